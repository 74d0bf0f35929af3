package nginx_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
)

// wharf is what a feature has: one nginx with its peers, and clients that reach
// it under any name.
type wharf struct {
	version string // of nginx, as "1.30"
	// live is the Swarm that the repository is built with. Secrets are added.
	live generator.Live
	// permissions are what the repository may have beyond what all may.
	permissions []route.Permission
	// templates are what files are rendered with.
	templates generator.Templates
	// workers, unless 0, is how many workers nginx has, for what each counts by
	// itself. As rendered, there is one for each CPU.
	workers int
	// server, unless empty, is the address at which clients find nginx, in place of
	// 127.0.0.1.
	server string
	// adjust, unless nil, changes what was built before it is rendered.
	adjust func(*generator.Proxy)
	// problems is what the last serve's build had to say of the cluster.
	problems route.Problems

	lacks   string // the version that this nginx would have to be of
	program string
	dir     string // short, for the path of a unix socket has at most 107 bytes
	secrets map[string][]byte
	ports   map[string]int
	peers   map[string]*peer // by kind and name
	own     map[string]http.HandlerFunc
	names   map[string][]string // of TLS peers' certificates
	stop    func()
}

func newWharf(t *testing.T, version, program string) *wharf {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "wf")
	if err != nil {
		t.Fatal(err)
	}
	w := &wharf{
		version: version, program: program, dir: dir,
		secrets: map[string][]byte{}, ports: map[string]int{}, peers: map[string]*peer{},
		own: map[string]http.HandlerFunc{}, names: map[string][]string{}, stop: func() {},
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("nginx said:\n%s", w.log())
			for _, p := range w.problems {
				t.Logf("of the cluster: %s", p)
			}
		}
		os.RemoveAll(dir)
	})
	return w
}

// secret adds a Docker secret to the Swarm and to the proxy.
func (w *wharf) secret(name string, data []byte) { w.secrets[name] = data }

// state is the Swarm that the build sees: w.live with all secrets.
func (w *wharf) state() *generator.Live {
	live := w.live
	for _, name := range slices.Sorted(maps.Keys(w.secrets)) {
		live.Secrets = append(live.Secrets, generator.Secret{ID: "id-" + name, Name: name})
	}
	return &live
}

// serve has nginx serve a repository's first proxy, after it has passed the test
// that every rollout passes. What was served before is stopped. In the text,
//
//	{{NAME}}       is "127.0.0.1:PORT" of an HTTP peer, which is started when it is first mentioned
//	{{tls.NAME}}   of an HTTPS peer (HTTP/1.1 and 2), with a certificate of the test's CA for NAME.internal
//	{{grpc.NAME}}  of an HTTP/2 peer without TLS, which echoes gRPC messages
//	{{tcp.NAME}}   of a TCP peer, which greets with NAME and a line feed and echoes
//	{{tcps.NAME}}  of such a peer behind TLS, with a certificate as above
//	{{udp.NAME}}   of a UDP peer, which answers NAME, a space and what it got
//	{{dead}}       and {{dead.NAME}} of nobody
//	{{http}}, {{https}}, {{status}} and {{port.NAME}}  are free ports, the same at each mention
//	{{version}}    is nginx's
//
// Where the text has no proxies, there is one, edge, on {{http}} and {{https}}.
func (w *wharf) serve(t *testing.T, text string) {
	t.Helper()
	rollout := w.rollout(t, text)
	if err := (nginx.Tester{Path: w.program}).Test(t.Context(), rollout.Shards); err != nil {
		t.Fatalf("the test: %v", err)
	}
	w.start(t, rollout.Shards, rollout.StatusPort, rollout.Digest)
}

// rollout is what serve would have nginx serve.
func (w *wharf) rollout(t *testing.T, text string) generator.Rollout {
	t.Helper()
	desired, problems := w.parse(t, text)
	if w.lacks != "" {
		if !strings.Contains(problems.Error(), w.lacks) {
			t.Errorf("nginx %s: the problems do not name %s, which is needed:\n%v", w.version, w.lacks, problems)
		}
		panic(endedEarly)
	}
	if problems != nil {
		t.Fatalf("the repository has problems:\n%v", problems)
	}
	model, problems := generator.Build(desired, w.state())
	w.problems = problems
	if w.adjust != nil {
		w.adjust(&model.Proxies[0])
	}
	files, err := w.templates.Render(model.Proxies[0])
	if err != nil {
		t.Fatal(err)
	}
	rollout, err := generator.Pack("", model.Proxies[0], files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rollout
}

// refused holds that a repository is refused with a problem, told as
// file:line:col: text (hint), that contains want.
func (w *wharf) refused(t *testing.T, text, want string) {
	t.Helper()
	if want == "" {
		t.Fatal("any problem contains nothing: say which is wanted")
	}
	_, problems := w.parse(t, text)
	for _, p := range problems {
		if strings.Contains(p.String(), want) {
			return
		}
	}
	if problems == nil {
		t.Errorf("the repository is accepted, want a problem with %q", want)
		return
	}
	t.Errorf("problems:\n got %v\nwant one with %q", problems, want)
}

const edge = `proxies: {edge: {image: "nginx:{{version}}", listen: {http: {{http}}, https: {{https}}}, status: {port: {{status}}}}}` + "\n"

var (
	ownProxies  = regexp.MustCompile(`(?m)^proxies:`)
	placeholder = regexp.MustCompile(`\{\{([a-z][a-z0-9]*)(?:\.([A-Za-z0-9-]+))?\}\}`)
)

func (w *wharf) parse(t *testing.T, text string) (*route.Desired, route.Problems) {
	t.Helper()
	text = dedent(text)
	if !ownProxies.MatchString(text) {
		text += edge
	}
	text = w.fill(t, text, `"`)
	return route.Parse(route.Revision{Files: []route.File{{Path: "routes.yaml", Data: []byte(text)}}}, w.permissions...)
}

// fill replaces what stands in double braces; addresses get quotes.
func (w *wharf) fill(t *testing.T, text, quote string) string {
	t.Helper()
	return placeholder.ReplaceAllStringFunc(text, func(s string) string {
		m := placeholder.FindStringSubmatch(s)
		switch kind, name := m[1], m[2]; {
		case kind == "version":
			return w.version
		case kind == "port":
			return fmt.Sprint(w.port(t, name))
		case kind == "http" || kind == "https" || kind == "status":
			return fmt.Sprint(w.port(t, kind))
		case name == "" && kind != "dead":
			return quote + w.address(t, "http."+kind) + quote
		default:
			return quote + w.address(t, kind+"."+name) + quote
		}
	})
}

// dedent takes away the tabs that a text in Go's source is indented by: YAML
// knows none. The line below the opening quote says how many.
func dedent(text string) string {
	text = strings.TrimLeft(text, "\n")
	tabs := text[:len(text)-len(strings.TrimLeft(text, "\t"))]
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.TrimPrefix(line, tabs))
	}
	return strings.TrimRight(out.String(), "\t\n ") + "\n"
}

var (
	handedOut   = map[int]bool{}
	handedOutMu sync.Mutex
)

// port returns the port that a text calls {{http}}, {{https}}, {{status}} or
// {{port.NAME}}. Nobody listens on it, on TCP and UDP, and it lies below those
// that the system gives to connections: one of these could be taken before nginx
// has it.
func (w *wharf) port(t *testing.T, name string) int {
	t.Helper()
	if port, ok := w.ports[name]; ok {
		return port
	}
	handedOutMu.Lock()
	defer handedOutMu.Unlock()
	for range 1000 {
		port := 20000 + rand.IntN(10000)
		if handedOut[port] {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			continue
		}
		l.Close()
		u, err := net.ListenPacket("udp", fmt.Sprintf(":%d", port))
		if err != nil {
			continue
		}
		u.Close()
		handedOut[port], w.ports[name] = true, port
		return port
	}
	t.Fatal("no free ports from 20000 to 29999")
	return 0
}

// start runs nginx with the shards until the test ends or serve is called again,
// and waits for it to agree to the digest.
func (w *wharf) start(t *testing.T, shards []generator.Shard, status int, digest string) {
	t.Helper()
	w.stop()
	for _, s := range shards {
		w.write(t, s.Path, w.moved(t, s.Data), 0o644)
	}
	for name, data := range w.secrets {
		w.write(t, "secrets/"+name, data, 0o600)
	}
	if err := os.MkdirAll(filepath.Join(w.dir, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(w.logPath(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	globals := "daemon off; pid " + w.dir + "/nginx.pid;"
	if os.Geteuid() == 0 {
		globals += " user root root;" // whose folder this is
	}
	cmd := exec.Command(w.program, "-e", "stderr", "-p", w.dir, "-c", filepath.Join(w.dir, "nginx.conf"), "-g", globals)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	w.stop = sync.OnceFunc(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		// The next nginx has files of its own.
		os.RemoveAll(filepath.Join(w.dir, "routes"))
		os.RemoveAll(filepath.Join(w.dir, "streams"))
	})
	t.Cleanup(w.stop)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	url := fmt.Sprintf("http://%s/digest/%s", w.at(fmt.Sprint(status)), digest)
	await(t, "nginx listens", func() bool {
		select {
		case <-ended:
			t.Fatal("nginx ended")
		default:
		}
		resp, err := client.Get(url)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusNoContent
	})
}

// at is where clients find a port.
func (w *wharf) at(port string) string {
	return net.JoinHostPort(cmp.Or(w.server, "127.0.0.1"), port)
}

func (w *wharf) write(t *testing.T, path string, data []byte, mode os.FileMode) {
	t.Helper()
	path = filepath.Join(w.dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
}

var (
	inTmp       = regexp.MustCompile(`([\s":=])/tmp/`)
	autoWorkers = []byte("worker_processes auto;")
)

// moved is a rendered file with the container's folders below the wharf's, and
// with as many workers as the feature wants.
func (w *wharf) moved(t *testing.T, data []byte) []byte {
	t.Helper()
	data = inTmp.ReplaceAll(data, []byte("${1}"+w.dir+"/tmp/"))
	data = bytes.ReplaceAll(data, []byte("/run/secrets/"), []byte(w.dir+"/secrets/"))
	if w.workers > 0 { // status.conf and the routes' files have no such line
		data = bytes.ReplaceAll(data, autoWorkers, fmt.Appendf(nil, "worker_processes %d;", w.workers))
	}
	return data
}

func (w *wharf) logPath() string { return filepath.Join(w.dir, "log") }

// log returns what nginx has logged so far, of requests and of errors. Requests
// come about a second late: logged waits for them.
func (w *wharf) log() string {
	data, _ := os.ReadFile(w.logPath())
	return string(data)
}

// logged waits for a line of nginx's log that contains want and returns it.
func (w *wharf) logged(t *testing.T, want string) string {
	t.Helper()
	var found string
	await(t, fmt.Sprintf("nginx logs %q", want), func() bool {
		for line := range strings.Lines(w.log()) {
			if strings.HasSuffix(line, "\n") && strings.Contains(line, want) {
				found = strings.TrimSuffix(line, "\n")
				return true
			}
		}
		return false
	})
	return found
}

// patience is how long anything may take that takes milliseconds on a machine
// with nothing else to do.
const patience = 30 * time.Second

// await asks again and again until the answer is yes.
func await(t *testing.T, what string, ready func() bool) {
	t.Helper()
	for begin := time.Now(); !ready(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}
