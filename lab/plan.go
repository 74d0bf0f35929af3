package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// baseDir holds one directory per lab.
const baseDir = "/var/lib/wharfinger-lab"

// A plan says all that a lab consists of. It is written once, before any of it
// is made, and is all that is needed to remove it; paths follow from the name.
type plan struct {
	Name   string     `json:"name"`
	Subnet string     `json:"subnet"` // first three bytes: "10.231.7"
	Bridge string     `json:"bridge"`
	Cgroup string     `json:"cgroup"` // parent of the containers' control groups
	Rules  [][]string `json:"rules"`  // iptables rules, chain first
	// NoMigrate leaves net.ipv4.tcp_migrate_req at the kernel's default.
	NoMigrate bool       `json:"no_migrate,omitempty"`
	Nodes     []nodePlan `json:"nodes"`

	// lock is the lab's directory, locked while this process makes or removes
	// the lab. The commands that run does that with inherit it, so that nobody
	// starts to clean up while one of them outlives a killed parent.
	lock *os.File
}

type nodePlan struct {
	Name    string            `json:"name"`
	Role    string            `json:"role"`
	Address string            `json:"address"`
	Link    string            `json:"link"` // the end of the node's cable on this machine's side
	Engine  string            `json:"engine,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
}

func (p *plan) dir() string      { return filepath.Join(baseDir, p.Name) }
func (p *plan) gateway() string  { return p.Subnet + ".1" }
func (p *plan) registry() string { return p.gateway() + ":5000" }

func (p *plan) unlock() {
	p.lock.Close()
	p.lock = nil
}

// Names become file names, host names and parts of socket paths, which the
// kernel limits to 107 bytes.
var goodName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,19}$`)

// planNodes lays out a lab's nodes: mgr-00…, wrk-00…, then the named ones.
func planNodes(o Options, p *plan) error {
	if o.Managers < 1 {
		return errors.New("at least one manager is needed")
	}
	add := func(name, role string) {
		i := len(p.Nodes)
		p.Nodes = append(p.Nodes, nodePlan{
			Name: name, Role: role, Labels: o.Labels[name], Engine: o.engine(name),
			Address: fmt.Sprintf("%s.%d", p.Subnet, 11+i),
			Link:    fmt.Sprintf("%sn%d", p.Bridge, i),
		})
	}
	for i := range o.Managers {
		add(fmt.Sprintf("mgr-%02d", i), RoleManager)
	}
	for i := range o.Workers {
		add(fmt.Sprintf("wrk-%02d", i), RoleWorker)
	}
	for _, name := range o.Nodes {
		add(name, RoleWorker)
	}
	if len(p.Nodes) > 200 {
		return fmt.Errorf("%d nodes: 200 is the most one subnet has room for", len(p.Nodes))
	}
	seen := map[string]bool{}
	for _, n := range p.Nodes {
		if !goodName.MatchString(n.Name) || seen[n.Name] {
			return fmt.Errorf("node %q: names are unique, of a-z, 0-9 and -, 20 bytes at most", n.Name)
		}
		seen[n.Name] = true
	}
	for name := range o.Labels {
		if !seen[name] {
			return fmt.Errorf("labels for %q: no such node", name)
		}
	}
	for name := range o.Engines {
		if !seen[name] {
			return fmt.Errorf("engine for %q: no such node", name)
		}
	}
	return nil
}

// claim reserves a name and a subnet: it writes the plan and returns it with
// the lab's directory locked. No other lab can take either from then on.
func claim(ctx context.Context, o Options) (*plan, error) {
	if !goodName.MatchString(o.Name) {
		return nil, fmt.Errorf("name %q: want a-z, 0-9 and -, 20 bytes at most", o.Name)
	}
	p := &plan{Name: o.Name, NoMigrate: o.NoMigrate, Cgroup: "/wharfinger-lab/" + o.Name}
	if err := os.MkdirAll(baseDir, 0o755); err != nil {
		return nil, err
	}
	base, err := lockDir(ctx, baseDir)
	if err != nil {
		return nil, err
	}
	defer base.Close()
	if _, err := os.Stat(filepath.Join(p.dir(), "plan.json")); err == nil {
		return nil, fmt.Errorf("is there already: remove it first (lab down --name %s)", o.Name)
	}
	if p.Subnet, p.Bridge, err = freeSubnet(); err != nil {
		return nil, err
	}
	if err := planNodes(o, p); err != nil {
		return nil, err
	}
	p.Rules = neededRules(ctx, p)

	if p.lock, err = emptyDir(ctx, p.dir()); err != nil {
		return nil, err
	}
	if err := writePlan(p); err != nil {
		p.unlock()
		return nil, err
	}
	return p, nil
}

// emptyDir makes a directory and locks it. One without a plan may be there: its
// maker or its remover was killed, or the latter is still at it.
func emptyDir(ctx context.Context, dir string) (*os.File, error) {
	for {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		lock, err := lockDir(ctx, dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed in between
		}
		if err != nil {
			return nil, err
		}
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
		if err != nil {
			lock.Close()
			return nil, err
		}
		return lock, nil
	}
}

// freeSubnet finds a subnet, and the bridge's name that goes with it, that
// neither another lab nor this machine uses.
func freeSubnet() (subnet, bridge string, err error) {
	used, err := usedSubnets()
	if err != nil {
		return "", "", err
	}
	for n := 1; n < 255; n++ {
		subnet, bridge = fmt.Sprintf("10.231.%d", n), fmt.Sprintf("whf%d", n)
		if _, err := net.InterfaceByName(bridge); err != nil && !used[subnet] {
			return subnet, bridge, nil
		}
	}
	return "", "", errors.New("no free subnet in 10.231.0.0/16")
}

// usedSubnets are those of other labs, also of labs that only exist as a plan,
// and those that this machine has an address in.
func usedSubnets() (map[string]bool, error) {
	used := map[string]bool{}
	names, err := Names()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		p, err := readPlan(name)
		if err != nil {
			return nil, err
		}
		used[p.Subnet] = true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if ip, _, err := net.ParseCIDR(a.String()); err == nil && ip.To4() != nil {
			used[ip.String()[:strings.LastIndex(ip.String(), ".")]] = true
		}
	}
	return used, nil
}

// Names lists the labs that exist on this machine, running or not.
func Names() ([]string, error) {
	plans, err := filepath.Glob(filepath.Join(baseDir, "*", "plan.json"))
	var names []string
	for _, path := range plans {
		names = append(names, filepath.Base(filepath.Dir(path)))
	}
	return names, err
}

func readPlan(name string) (*plan, error) {
	if !goodName.MatchString(name) {
		return nil, fmt.Errorf("lab %q: %w", name, fs.ErrNotExist)
	}
	data, err := os.ReadFile(filepath.Join(baseDir, name, "plan.json"))
	if err != nil {
		return nil, err
	}
	p := new(plan)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("plan of lab %s: %w", name, err)
	}
	return p, nil
}

func writePlan(p *plan) error {
	data, err := json.MarshalIndent(p, "", "\t")
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(p.dir(), "plan.json"), append(data, '\n'))
}

// writeWhole writes a file that readers see whole or not at all.
func writeWhole(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
