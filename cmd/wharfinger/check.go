package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/watcher"
)

func checkCommand() *cobra.Command {
	var source sourceFlags
	var templates templateFlags
	var live, format string
	var tester nginx.Tester
	c := &cobra.Command{
		Use:   "check DIR|URL",
		Short: "Check a route repository",
		Long: `Check reads every *.yaml file of a route repository and prints all problems,
one a line, as file:line:column, and whether what they make fits into Docker
configs. With --nginx it also asks nginx, in a sandbox. On a terminal it shows the
lines, too.

It warns of what is legal and most likely not meant: routes that never answer
because others do, names that nothing uses, splits that are no hundred percent,
redirects in circles. With a live state it also warns of what the Swarm lacks:
services that are not there, ports that no task publishes. Warnings are printed
on standard error and refuse nothing.

--format json prints one object. All fields are always there; an object, such as
"service shop", stands in place of file, line and column, which count from 1:

  {"problems": [{"file": "routes.yaml", "line": 8, "column": 11, "object": "",
    "text": "there is no pool shopp", "hint": "did you mean shop?",
    "severity": "error"}], "warnings": []}

--format github prints workflow commands, of which GitHub makes annotations.`,
		Example: `  wharfinger check .
  wharfinger check . --nginx nginx
  wharfinger check . --live production.json
  wharfinger check . --format json | jq -r '.problems[].text'
  wharfinger check https://git.example.org/ops/routes.git --branch next`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			form, ok := forms[format]
			if !ok {
				return fmt.Errorf("--format is text, json or github, not %q", format)
			}
			own, err := templates.read()
			if err != nil {
				return err
			}
			tester.Lacks = warnOfSandbox(c)
			v, err := source.check(c, args[0], own, live, tester)
			if err != nil {
				return err
			}
			if err := form(v, c.OutOrStdout(), c.ErrOrStderr()); err != nil {
				return err
			}
			if len(v.problems) > 0 {
				return errNo
			}
			return nil
		},
	}
	source.register(c)
	templates.register(c)
	c.Flags().StringVar(&live, "live", "", "file with a live state (default: live.json in DIR, if it is there)")
	c.Flags().StringVar(&tester.Path, "nginx", "", "the nginx program that is asked whether it takes the files (default: none)")
	c.Flags().StringVar(&format, "format", "text", "text, json or github")
	return c
}

// check goes as far as can be without a manager.
func (f *sourceFlags) check(c *cobra.Command, arg string, own generator.Templates, live string, tester nginx.Tester) (verdict, error) {
	read, err := f.read(c, arg)
	if err != nil {
		return verdict{}, err
	}
	v := verdict{problems: read.problems, revision: read.revision, folder: f.folder(arg)}
	desired := read.desired
	if desired == nil {
		return v, nil
	}
	v.fine = fmt.Sprintf("fine: %s, %s, %s", count(len(desired.Routes), "route"), count(len(desired.Pools), "pool"), count(len(desired.Proxies), "proxy"))
	v.warnings = generator.Warnings(desired)
	state, err := readLive(c, live, arg)
	if err != nil && !errors.Is(err, errNoLive) {
		return verdict{}, err
	}
	given := state != nil
	if !given {
		state = imagined(desired)
	}
	plan, err := watcher.MakePlan(own, desired, state)
	problems, isProblems := errors.AsType[route.Problems](err)
	switch {
	case isProblems:
		v.problems = problems
	case err != nil:
		return verdict{}, err
	case given:
		v.warnings = append(v.warnings, plan.Problems...).Sorted()
	}
	if err == nil {
		v.problems, err = tested(c.Context(), tester, plan)
		return v, err
	}
	return v, nil
}

// imagined is a Swarm in which every service that is named has a task for each
// pool, on every network that is named, and every secret is there: enough to see
// whether the files fit into Docker configs.
func imagined(desired *route.Desired) *generator.Live {
	const node = "imagined"
	live := &generator.Live{Nodes: []generator.Node{{ID: node, Hostname: node, Role: "worker", State: "ready", Addr: "192.0.2.1"}}}
	for _, pool := range desired.Pools {
		for _, member := range pool.Members() {
			service, network := member.Service.Value, cmp.Or(member.Network.Value, node)
			address := []generator.Address{{Network: network, Address: "10.0.0.2"}}
			live.Networks = append(live.Networks, generator.Network{ID: network, Name: network})
			live.Services = append(live.Services, generator.Service{ID: service, Name: service, Networks: []string{network}, VIPs: address})
			live.Tasks = append(live.Tasks, generator.Task{ID: pool.Name, Service: service, Node: node, State: "running", Addresses: address,
				Ports: []generator.Port{{Protocol: "tcp", Target: member.Port.Value, Published: 32768}}})
		}
	}
	for _, proxy := range desired.Proxies {
		for _, name := range proxy.Networks {
			live.Networks = append(live.Networks, generator.Network{ID: name.Value, Name: name.Value})
		}
	}
	for _, name := range desired.Secrets() {
		live.Secrets = append(live.Secrets, generator.Secret{ID: name, Name: name})
	}
	return live
}

func count(n int, what string) string {
	switch {
	case n == 1:
	case what == "proxy":
		what = "proxies"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
