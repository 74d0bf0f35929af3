package e2e_test

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wharfinger/wharfinger/interlock"
)

// labelled is a service with labels, as somebody has it who ran Interlock.
type labelled struct {
	name     string
	replicas int
	args     []string // more of docker service create
	labels   []string // behind com.docker.lb., but for whole ones
}

var (
	publishes = []string{"--publish", "mode=host,target=8080"}
	onApps    = []string{"--network", "apps"}
)

// speaksTLS is for a service that does so by itself, with the secrets NAME and
// NAME-key.
func speaksTLS(name string, more ...string) []string {
	return append(more, "--secret", name, "--secret", name+"-key",
		"--env", "TLS_CERT=/run/secrets/"+name, "--env", "TLS_KEY=/run/secrets/"+name+"-key")
}

// A labelTest is one of a label: the services that have it, and the requests that
// see what it does.
type labelTest struct {
	label    string
	services []labelled
	see      func(w *labelWorld) (seen string)
}

// labelWorld is a cluster whose services have labels.
type labelWorld struct {
	*world
	roots map[string]*x509.CertPool // by secret
}

// Two proxies read labels: edge those of services without a cluster, east those of
// us-east. Both reach ports on nodes as well as overlays.
const labelProxies = `proxies:
  edge:
    image: nginx:1.30
    network: published
    drain: 2s
    constraints: [node.labels.nodetype == loadbalancer]
    labels: interlock
  east:
    image: nginx:1.30
    network: published
    drain: 2s
    constraints: [node.labels.nodetype == loadbalancer]
    listen: {http: 8081, https: 8444}
    status: {port: 8078}
    labels: {read: interlock, cluster: us-east}
`

// Every label of Interlock and of the HTTP routing mesh does, on a real Swarm, what
// docs/interlock.md says of it.
func TestInterlock(t *testing.T) {
	everyLabelIsTested(t)
	w := &labelWorld{newWorld(t), map[string]*x509.CertPool{}}
	w.patience = 90 * time.Second // where ports are published a roll stops first
	for secret, host := range map[string]string{"cert": "cert.local", "only": "only.local", "pass": "pass.local", "backend": "backend.local", "sni": "sni.local"} {
		w.roots[secret] = w.certificate(secret, host)
	}
	w.overlay("apps")
	w.overlay("other")
	begin := time.Now()
	w.create(labelTests)
	made := time.Now()
	d := w.watch()
	d.rolled(w.push(labelProxies))
	t.Logf("the services run after %.0f s, and the proxies serve them %.0f s later", made.Sub(begin).Seconds(), time.Since(made).Seconds())

	seen := map[string]string{}
	w.part("labels", func() {
		for _, test := range labelTests {
			w.part(test.label, func() { seen[test.label] = test.see(w) })
		}
	})
	var list strings.Builder
	for _, test := range labelTests {
		fmt.Fprintf(&list, "\n  %-26s %s", test.label, seen[test.label])
	}
	t.Logf("every label, and what requests saw of it:%s", &list)

	w.part("mistakes", w.mistakes)
	w.part("changes", w.changes)
	w.part("settled", w.settled)
}

// everyLabelIsTested holds that there is a test for each label that the program
// reads, and that it has the name that docs/interlock.md tells.
func everyLabelIsTested(t *testing.T) {
	t.Helper()
	page, err := os.ReadFile("../docs/interlock.md")
	if err != nil {
		t.Fatal(err)
	}
	var tested, read, told []string
	for _, test := range labelTests {
		tested = append(tested, test.label)
	}
	for _, label := range interlock.Labels() {
		read = append(read, strings.TrimPrefix(label, "com.docker.lb."))
	}
	for _, m := range regexp.MustCompile("`TestInterlock/labels/([^`]+)`").FindAllStringSubmatch(string(page), -1) {
		told = append(told, m[1])
	}
	for _, list := range [][]string{tested, read, told} {
		slices.Sort(list)
	}
	if !slices.Equal(tested, read) || !slices.Equal(tested, told) {
		t.Errorf("labels that have a test: %q\nthat are read: %q\nwhose test docs/interlock.md names: %q", tested, read, told)
	}
}

// create makes the services of tests, and waits for their tasks.
func (w *labelWorld) create(tests []labelTest) {
	w.Helper()
	var group errgroup.Group
	group.SetLimit(4)
	var all []labelled
	for _, test := range tests {
		all = append(all, test.services...)
	}
	for _, s := range all {
		group.Go(func() error {
			args := slices.Clone(s.args)
			for _, label := range s.labels {
				if !strings.HasPrefix(label, "com.docker.") {
					label = "com.docker.lb." + label
				}
				args = append(args, "--label", label)
			}
			_, err := w.lab.Docker(w.Context(), w.manager, service(s.name, s.replicas, args...)...)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		w.Fatal(err)
	}
	for _, s := range all {
		w.running(s.name, s.replicas)
	}
}

// told checks that the daemon's log names a service and says what is wrong with it.
func (w *labelWorld) told(service, label, what string) {
	w.Helper()
	for line := range strings.Lines(w.daemon.log.String()) {
		if strings.Contains(line, "service "+service+": label "+label) && strings.Contains(line, what) {
			return
		}
	}
	w.Errorf("the log does not say of service %s, label %s, that %s", service, label, what)
}

// mistakes are told, with the service's name, and cost nobody else anything.
func (w *labelWorld) mistakes() {
	for service, m := range map[string]struct{ label, what string }{
		"ambiguous":        {"com.docker.lb.network", "on several overlays"},
		"backend-verified": {"com.docker.lb.ssl_backend_tls_verify", "is left out"},
		"default-second":   {"com.docker.lb.default_backend", "answered by service default already"},
		"typo":             {"com.docker.lb.host", "no such label"},
		"port-of-nobody":   {"com.docker.lb.port", "no task publishes port 9999"},
	} {
		w.told(service, m.label, m.what)
	}
	for _, node := range balancers {
		for _, host := range []string{"ambiguous.local", "backend-verified.local", "typo.local", "port-of-nobody.local"} {
			w.refuses(request{node: node, host: host, path: "/"}, 503)
		}
		w.must(request{node: node, host: "a.hosts.local", path: "/"}, "hosts")
	}
}

// taken is a host that the repository takes from labels.
const taken = `
pools:
  next: {service: hosts-next, port: 8080, via: overlay}
routes:
  taken:
    proxy: edge
    hosts: [a.hosts.local]
    pool: next
`

// changes of labels alone are followed, and no task of the service is replaced. The
// repository counts more than labels.
func (w *labelWorld) changes() {
	before := w.instances("port")
	w.docker("service", "update", "--detach", "--quiet", "--label-add", "com.docker.lb.hosts=renamed.local", "port")
	w.daemon.rolled(w.push(labelProxies + taken))
	w.serves("renamed.local", "/", "port")
	w.answers("port.local", "/", 503)
	if after := w.instances("port"); !slices.Equal(after, before) {
		w.Errorf("the tasks of port were %s and are %s, want no change", before, after)
	}
	w.serves("a.hosts.local", "/", "hosts-next")
	w.told("hosts", "com.docker.lb.hosts", "a.hosts.local/ is taken already")
	for _, node := range balancers { // its other host stays
		w.eventually(w.patience, func() error {
			if a, err := w.fetch(request{node: node, host: "b.hosts.local", path: "/"}); err != nil || a.Service != "hosts" {
				return fmt.Errorf("b.hosts.local answers from %q (%v)", a.Service, err)
			}
			return nil
		})
	}
}

// settled takes the cluster off its labels: what they ask for becomes a file of the
// repository, no proxy is rolled for it, and labels say nothing any more.
func (w *labelWorld) settled() {
	version := func(proxy string) (n int) {
		var list []proxyService
		w.decode(&list, "service", "inspect", "wharfinger-"+proxy)
		return list[0].Version.Index
	}
	edge, east := version("edge"), version("east")
	w.ends(0, "", "import", "interlock", w.clone, "--from-cluster", "--out", filepath.Join(w.clone, "labels.yaml"))
	w.ends(0, "\nproxies:\n", "import", "interlock", "--from-cluster") // a repository by itself
	w.git(w.clone, "add", "labels.yaml")
	without := regexp.MustCompile(`(?m)^    labels: .*\n`).ReplaceAllString(labelProxies, "")
	w.daemon.rolled(w.push(without + taken))
	w.ends(0, "no difference", "diff", w.clone)
	if e, o := version("edge"), version("east"); e != edge || o != east {
		w.Errorf("the services of the proxies went from versions %d and %d to %d and %d, want no update", edge, east, e, o)
	}
	w.docker("service", "update", "--detach", "--quiet", "--label-add", "com.docker.lb.hosts=again.local", "port")
	w.noUpdate(5 * time.Second)
	w.serves("renamed.local", "/", "port")
	w.answers("again.local", "/", 503)
}
