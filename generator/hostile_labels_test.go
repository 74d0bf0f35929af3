package generator_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/interlock"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/watcher"
)

// ordinary is a value for each label that is read, and what stands beside it.
var ordinary = map[string]struct {
	value string
	rest  map[string]string
}{
	"hosts":                  {"demo.local", nil},
	"port":                   {"8080", nil},
	"network":                {"apps", nil},
	"context_root":           {"/app", nil},
	"context_root_rewrite":   {"true", map[string]string{"context_root": "/app"}},
	"ssl_cert":               {"demo.cert", map[string]string{"ssl_key": "demo.key"}},
	"ssl_key":                {"demo.key", map[string]string{"ssl_cert": "demo.cert"}},
	"ssl_only":               {"true", map[string]string{"ssl_cert": "demo.cert"}},
	"ssl_passthrough":        {"true", nil},
	"ssl_backend":            {"true", nil},
	"ssl_backend_tls_verify": {"none", map[string]string{"ssl_backend": "true"}},
	"websocket_endpoints":    {"/ws", nil},
	"service_cluster":        {"", nil},
	"sticky_session_cookie":  {"session", nil},
	"ip_hash":                {"true", nil},
	"redirects":              {"http://old.local/a,http://demo.local/b;", nil},
	"backend_mode":           {"task", nil},
	"default_backend":        {"true", nil},
	"max_fails":              {"3", nil},
	"fail_timeout":           {"10s", nil},

	"com.docker.ucp.mesh.http": {"external_route=http://demo.local,internal_port=8080", nil},
	"external_route":           {"http://demo.local", nil},
	"internal_port":            {"8080", nil},
	"sticky_sessions":          {"session", nil},
	"redirect":                 {"http://new.local", nil},
	"include_forwarded_for":    {"true", nil},

	"the key of a label":    {"hosts", nil},
	"the service's name":    {"demo", nil},
	"the name of a stack":   {"shop", map[string]string{"network": "apps"}},
	"the name of a network": {"apps", nil},
	"the name of a secret":  {"demo.cert", map[string]string{"ssl_cert": "demo.cert"}},
}

const bystander = "bystander"

// breaksYAML are values that would leave their place in the file that labels make.
var breaksYAML = []string{
	"\"\nproxies:\n  evil:\n    image: \"evil", "demo.local\"\n    snippet: \"x", "\"\n  \"evil\":\n    hosts: [evil.local]\n    respond: 200\n#",
	"\n---\nproxies: {}\n", "...", "---", ": ", "- a", "!!binary aGk=", "&a", "*a", "<<: *a", "? a", "|", ">", "%YAML 1.2", "\" # ", "\\u0022",
}

// labelledLive is a Swarm with a service that has a value for a label, and another
// one that has nothing to do with it.
func labelledLive(label, value string) *generator.Live {
	const lb = "com.docker.lb."
	labels := map[string]string{lb + "hosts": "demo.local", lb + "port": "8080"}
	for name, value := range ordinary[label].rest {
		labels[lb+name] = value
	}
	name, stack, network, secret := "demo", "", "apps", "demo.cert"
	mesh := "external_route=http://demo.local,internal_port=8080"
	switch label {
	case "com.docker.ucp.mesh.http":
		labels = map[string]string{label: value}
	case "external_route":
		labels = map[string]string{"com.docker.ucp.mesh.http.1": "external_route=" + value + ",internal_port=8080"}
	case "internal_port":
		labels = map[string]string{"com.docker.ucp.mesh.http.1": "external_route=http://demo.local,internal_port=" + value}
	case "sticky_sessions", "redirect", "include_forwarded_for":
		labels = map[string]string{"com.docker.ucp.mesh.http.1": mesh + "," + label + "=" + value}
	case "the key of a label":
		labels[lb+value] = "more.local"
	case "the service's name":
		name = value
	case "the name of a stack":
		stack = value
	case "the name of a network":
		network = value
	case "the name of a secret":
		secret = value
	default:
		labels[lb+label] = value
	}
	if stack != "" {
		labels[generator.StackLabel] = stack
	}
	live := &generator.Live{
		Nodes:    []generator.Node{{ID: "n1", Hostname: "node", Role: "manager", State: "ready", Addr: "192.0.2.1"}},
		Networks: []generator.Network{{ID: "o1", Name: network}, {ID: "o2", Name: "others"}},
		Services: []generator.Service{
			{ID: "s1", Name: name, Labels: labels, Networks: []string{"o1"}, VIPs: []generator.Address{{Network: "o1", Address: "10.0.1.250"}}},
			{ID: "s2", Name: bystander, Labels: map[string]string{lb + "hosts": "bystander.local", lb + "port": "80"}, Networks: []string{"o2"}},
		},
		Tasks: []generator.Task{
			{ID: "t1", Service: "s1", Node: "n1", State: "running", Addresses: []generator.Address{{Network: "o1", Address: "10.0.1.5"}}},
			{ID: "t2", Service: "s2", Node: "n1", State: "running", Addresses: []generator.Address{{Network: "o2", Address: "10.0.2.5"}}},
		},
	}
	for _, secret := range []string{secret, "demo.key"} {
		live.Secrets = append(live.Secrets, generator.Secret{ID: secret, Name: secret})
	}
	return live
}

// TestHostileLabels tries every hostile value in every label, and in all else that
// labels are read with. What is written for it has fields that labels have, and no
// others; what is rendered has directives that labels make, and no others; and the
// service beside it is served as if nothing was.
func TestHostileLabels(t *testing.T) {
	for _, label := range interlock.Labels() {
		if name := strings.TrimPrefix(label, "com.docker.lb."); ordinary[name].value == "" && name != "service_cluster" {
			t.Fatalf("label %s has no ordinary value in this test", name)
		}
	}
	text := `proxies: {mesh: {image: "nginx:1.30", network: published, labels: interlock}}`
	desired, problems := parse([]byte(text))
	if problems != nil {
		t.Fatal(problems)
	}
	known := learn(t, desired)
	var tried, written atomic.Int64
	t.Run("label", func(t *testing.T) {
		for _, label := range slices.Sorted(maps.Keys(ordinary)) {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				usual := ordinary[label].value
				half := len(usual) / 2
				looked := map[string]bool{} // at what is written for it
				for _, evil := range slices.Concat(hostile, breaksYAML) {
					for _, value := range []string{evil, evil + usual, usual + evil, usual[:half] + evil + usual[half:]} {
						tried.Add(1)
						live := labelledLive(label, value)
						read := interlock.Read(desired, watcher.Labelled(live))
						if form := string(read.Added); !looked[form] {
							looked[form] = true
							known.compare(t, label, value, lookAt(t, read, live))
						}
					}
				}
				written.Add(int64(len(looked)))
			})
		}
	})
	t.Logf("%d labels and names, %d combinations, which make %d files", len(ordinary), tried.Load(), written.Load())
}

// seen is what is made of labels.
type seen struct {
	fields     map[string]bool // of the file in the repository's format
	directives map[string]bool // of nginx
	beside     map[string]string
}

func lookAt(t *testing.T, read interlock.Result, live *generator.Live) seen {
	t.Helper()
	model, _ := generator.Build(read.Desired, live)
	out := seen{map[string]bool{}, map[string]bool{}, map[string]string{}}
	for _, p := range model.Proxies {
		files, _ := render(t, p)
		for _, f := range files.All {
			walk(t, f.Data, func(directive string) { out.directives[directive] = true })
			if strings.Contains(f.Path, bystander) {
				out.beside[f.Path] = string(f.Data)
			}
		}
	}
	var tree any
	if err := yaml.Unmarshal(read.Added, &tree); err != nil {
		t.Errorf("what is written is not YAML: %v\n%.2000s", err, read.Added)
	}
	fieldsIn(tree, "", 0, out.fields)
	return out
}

// fieldsIn lists the fields of a tree; the names of things are a star.
func fieldsIn(tree any, path string, depth int, fields map[string]bool) {
	switch tree := tree.(type) {
	case map[string]any:
		for key, value := range tree {
			if depth == 1 {
				key = "*"
			}
			fields[path+"/"+key] = true
			fieldsIn(value, path+"/"+key, depth+1, fields)
		}
	case []any:
		for _, value := range tree {
			fieldsIn(value, path+"[]", depth, fields)
		}
	}
}

// learn puts together what ordinary labels make.
func learn(t *testing.T, desired *route.Desired) seen {
	ordinarily := func(label, value string) seen {
		live := labelledLive(label, value)
		return lookAt(t, interlock.Read(desired, watcher.Labelled(live)), live)
	}
	all := ordinarily("hosts", "demo.local")
	note := func(label, value string) {
		now := ordinarily(label, value)
		maps.Copy(all.fields, now.fields)
		maps.Copy(all.directives, now.directives)
	}
	for label, usual := range ordinary {
		note(label, usual.value)
	}
	// The other forms that values have.
	for _, more := range [][2]string{
		{"hosts", "*"}, {"hosts", "*.demo.local,demo.org"}, {"hosts", "bystander.local"}, {"hosts", ":"}, {"context_root", "= /app"}, {"context_root", "~ ^/app"}, {"context_root", "/"},
		{"context_root_rewrite", "false"}, {"ssl_only", "false"}, {"ssl_passthrough", "false"}, {"ssl_cert", ""}, {"ssl_backend", "false"}, {"ip_hash", "false"},
		{"backend_mode", "vip"}, {"redirects", "http://old.local,https://demo.local:8443"}, {"redirects", "http://demo.local,https://demo.local"},
		{"external_route", "sni://demo.local"}, {"external_route", "http://"}, {"external_route", "http://demo.local/app"}, {"redirect", "https://demo.local/new"},
		{"redirect", ""}, {"sticky_session_cookie", "de-mo"}, {"port", "http"}, {"ssl_cert", "missing.cert"}, {"ssl_key", "missing.key"},
		{"com.docker.ucp.mesh.http", "external_route=http://a.local,internal_port=80,external_route=http://b.local,internal_port=81"},
	} {
		note(more[0], more[1])
	}
	return all
}

func (known seen) compare(t *testing.T, label, value string, now seen) {
	t.Helper()
	for _, kind := range []struct {
		what       string
		now, known map[string]bool
	}{{"field", now.fields, known.fields}, {"directive", now.directives, known.directives}} {
		for _, one := range slices.Sorted(maps.Keys(kind.now)) {
			if !kind.known[one] {
				t.Errorf("%s: %.80q makes the %s %q", label, value, kind.what, fmt.Sprintf("%.200s", one))
			}
		}
	}
	if !maps.Equal(now.beside, known.beside) {
		t.Errorf("%s: with %.80q the service beside it is served otherwise", label, value)
	}
}
