package git_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/git"
	"github.com/wharfinger/wharfinger/route"
)

// TestGitFault breaks real servers in every way of the table in
// docs/operations.md: git http-backend behind TLS and a password, and sshd. Each
// time the routes are read, then the fault begins, then it ends. While it lasts,
// Fetch says what the table says and gives no revision, so that the last good one
// stays; or, where nothing is wrong with what is there now, it gives that. When it
// is over, the same Remote reads the next commit.
func TestGitFault(t *testing.T) {
	all := slices.Concat(gitFaults, proxyFaults)
	var passed atomic.Int32
	t.Cleanup(func() { t.Logf("git faults: %d of %d", passed.Load(), len(all)) })
	for _, f := range all {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.test(t)
			if !t.Failed() {
				passed.Add(1)
			}
		})
	}
}

// A gitFault is a line of the table. A fault without says is none: what is there
// now is taken.
type gitFault struct {
	name    string
	says    string // the whole error, with FILE, HOST and so on for what differs
	again   string // when it is tried again, as the table says
	ssh     bool   // and not https
	proxied bool   // through a proxy of the environment
	options func(*git.RemoteOptions)
	before  func(*faults) // what is so from the start
	begin   func(*faults)
	end     func(*faults)
}

// When a fetch is made again, after what kind of an error.
const (
	soon       = "soon"        // it may pass
	interval   = "interval"    // it stays until somebody acts
	nextCommit = "next commit" // files are to be mended
	taken      = "taken"       // no error
)

func (f gitFault) test(t *testing.T) {
	w := newFaults(t, f.ssh)
	w.write("a.yaml", "good")
	first := w.push()
	if f.before != nil {
		f.before(w)
	}
	var change []func(*git.RemoteOptions)
	if f.options != nil {
		change = append(change, f.options)
	}
	var remote interface {
		reader
		fmt.Stringer
	} = w.remote(change...)
	if f.proxied {
		remote = w.behind()
	}
	wantFiles(t, fetch(t, remote), first, "a.yaml=good\n")

	f.begin(w)
	rev, err := remote.Fetch(t.Context())
	if f.again == taken {
		if err != nil || rev.ID != w.git("rev-parse", "HEAD") || rev.ID == first {
			t.Errorf("Fetch: got %s, error %v, want %s", rev.ID, err, w.git("rev-parse", "HEAD"))
		}
	} else {
		w.refused(f, rev, err)
		if f.again != soon { // those would only wait once more
			_, again := remote.Fetch(t.Context())
			if again == nil || again.Error() != err.Error() {
				t.Errorf("second Fetch: error\n%v, want the first one's\n%v", again, err)
			}
		}
	}
	w.keepsSecrets(remote.String())

	if f.end != nil {
		f.end(w)
	}
	if f.again == soon { // the commit was good all the time
		wantFiles(t, fetch(t, remote), w.git("rev-parse", "HEAD"), "a.yaml=good\n")
	}
	w.write("a.yaml", "mended")
	last := w.push()
	wantFiles(t, fetch(t, remote), last, "a.yaml=mended\n")
}

// refused checks what Fetch says of a fault.
func (w *faults) refused(f gitFault, rev route.Revision, err error) {
	w.t.Helper()
	if rev.ID != "" || rev.Files != nil {
		w.t.Errorf("Fetch: a revision in spite of the fault: %v", rev)
	}
	if err == nil {
		w.t.Fatalf("Fetch: no error, want %s", f.says)
	}
	w.keepsSecrets(err.Error())
	if got := w.general(err.Error()); got != f.says {
		w.t.Errorf("Fetch: error\n%s, want\n%s", got, f.says)
	}
	_, problems := errors.AsType[route.Problems](err)
	p, ok := errors.AsType[interface {
		error
		Permanent() bool
	}](err)
	again := soon
	switch {
	case problems:
		again = nextCommit
	case ok && p.Permanent():
		again = interval
	}
	if again != f.again {
		w.t.Errorf("Fetch: an error to try again %q, want %q: %v", again, f.again, err)
	}
}

// faults are the servers of one test, and the credentials for them.
type faults struct {
	*repository
	ca     *authority
	leaf   atomic.Pointer[tls.Certificate]
	token  atomic.Value // the one that the server takes
	gate   *gate
	ssh    *sshServer // nil if the test is of https
	dir    string     // with the files of credentials
	secret []string
	other  *otherHost
	proxy  *proxyServer
}

func newFaults(t *testing.T, ssh bool) *faults {
	t.Helper()
	w := &faults{repository: newRepository(t), dir: t.TempDir()}
	if ssh {
		w.ssh = newSSHServer(t)
		w.gate = w.ssh.gate
		w.useKey("client")
		w.ssh.known(w.file("known_hosts"), "host")
		return w
	}
	w.ca = newAuthority(t, "a private CA")
	w.leaf.Store(w.ca.issue(time.Now().Add(time.Hour)))
	writeFile(t, w.file("ca.pem"), w.ca.pem())
	w.useToken("planted-first-token")
	w.token.Store("planted-first-token")
	w.gate = newGate(t)
	w.serve(w.gate, http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		if user, password, given := req.BasicAuth(); given && user != "git" || password != w.token.Load() {
			rw.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(rw, "not "+password, http.StatusUnauthorized)
			return
		}
		w.server.Config.Handler.ServeHTTP(rw, req)
	}))
	return w
}

// serve answers by TLS what comes through a gate.
func (w *faults) serve(g *gate, handler http.Handler) {
	server := &http.Server{
		Handler:  handler,
		ErrorLog: log.New(io.Discard, "", 0), // clients that leave are the point
		TLSConfig: &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return w.leaf.Load(), nil
		}},
	}
	go server.ServeTLS(g, "", "")
	w.t.Cleanup(func() { server.Close() })
}

func (w *faults) file(name string) string { return filepath.Join(w.dir, name) }

// useToken writes a token down for the client.
func (w *faults) useToken(token string) {
	w.t.Helper()
	w.secret = append(w.secret, token)
	writeFile(w.t, w.file("token"), token+"\n")
}

// useKey writes a private key down for the client.
func (w *faults) useKey(name string) {
	w.t.Helper()
	data, err := os.ReadFile(w.ssh.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	w.secret = append(w.secret, strings.Split(string(data), "\n")[2])
	writeFile(w.t, w.file("key"), string(data))
}

// url is where the repository is served with credentials.
func (w *faults) url() string {
	if w.ssh != nil {
		return "ssh://" + w.ssh.user + "@" + w.gate.address + w.bare
	}
	return "https://" + w.gate.address + "/routes.git"
}

func (w *faults) credentials() git.Credentials {
	if w.ssh != nil {
		return git.Credentials{KeyFile: w.file("key"), KnownHostsFile: w.file("known_hosts")}
	}
	return git.Credentials{TokenFile: w.file("token"), CAFile: w.file("ca.pem")}
}

func (w *faults) remote(change ...func(*git.RemoteOptions)) *git.Remote {
	w.t.Helper()
	with := func(o *git.RemoteOptions) { o.URL, o.AllowHTTP, o.Credentials = w.url(), false, w.credentials() }
	return w.repository.remote(append([]func(*git.RemoteOptions){with}, change...)...)
}

// keepsSecrets holds that a text has nothing of the planted credentials.
func (w *faults) keepsSecrets(text string) {
	w.t.Helper()
	for _, s := range w.secret {
		if strings.Contains(text, s) {
			w.t.Errorf("it tells %s: %s", s, text)
		}
	}
}

var (
	fingerprint = regexp.MustCompile(`(ssh-ed25519|ecdsa-\S+) SHA256:[A-Za-z0-9+/]+`)
	wallClock   = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d UTC`)
	reason      = regexp.MustCompile(`damaged: .*`) // as chance has it
	hash        = regexp.MustCompile(`[0-9a-f]{40}`)
)

// general puts words for what is another with each run.
func (w *faults) general(text string) string {
	host, port, _ := strings.Cut(w.gate.address, ":")
	pairs := []string{w.dir + "/ca.pem", "FILE", w.dir + "/token", "FILE", w.dir + "/key", "FILE", w.dir + "/known_hosts", "FILE",
		"[" + host + "]:" + port, "HOST", w.gate.address, "HOST", w.bare, "PATH"}
	if w.other != nil {
		pairs = append(pairs, w.other.gate.address, "OTHER")
	}
	if w.proxy != nil {
		pairs = append(pairs, w.proxy.gate.address, "PROXY")
	}
	if w.ssh != nil {
		pairs = append(pairs, "user "+w.ssh.user, "user NAME")
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	text = reason.ReplaceAllString(text, "damaged: REASON")
	return hash.ReplaceAllString(wallClock.ReplaceAllString(fingerprint.ReplaceAllString(text, "KEY"), "TIME"), "COMMIT")
}

// otherHost is a server that has nothing to do with the repository.
type otherHost struct {
	gate     *gate
	requests atomic.Int32
}

// elsewhere starts the other host, which has a good certificate.
func (w *faults) elsewhere() string {
	w.t.Helper()
	w.other = &otherHost{gate: newGate(w.t)}
	w.serve(w.other.gate, http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		w.other.requests.Add(1)
		w.server.Config.Handler.ServeHTTP(rw, req)
	}))
	w.t.Cleanup(func() {
		if n := w.other.requests.Load(); n != 0 {
			w.t.Errorf("the other host saw %d requests, want none", n)
		}
	})
	return "https://" + w.other.gate.address
}

// answer has the server answer something else than git's.
func (w *faults) answer(code int, contentType, body string) {
	w.set(func(rw http.ResponseWriter, _ *http.Request) bool {
		rw.Header().Set("Content-Type", contentType)
		rw.WriteHeader(code)
		io.WriteString(rw, body)
		return false
	})
}

// flip changes one byte of the pack; at counts from its start, or from its end
// if it is negative.
func (w *faults) flip(at int) {
	w.set(func(rw http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPost {
			return true
		}
		whole := httptest.NewRecorder()
		w.backend.ServeHTTP(whole, req)
		body := whole.Body.Bytes()
		start, end := bytes.Index(body, []byte("PACK")), len(body)-len("0000") // which ends the answer
		if at < 0 {
			start = end
		}
		body[start+at] ^= 0xff
		rw.Header().Set("Content-Type", whole.Header().Get("Content-Type"))
		rw.Write(body)
		return false
	})
}

func (w *faults) well() { w.set(nil) }

// pktLine frames a line as git does.
func pktLine(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }
