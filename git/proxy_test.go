package git_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wharfinger/wharfinger/git"
	"github.com/wharfinger/wharfinger/route"
)

// Proxies come from the environment, which a process reads once. So these faults
// are met by a process of their own, which knows the server by a name that only
// the proxy can reach.
var proxyFaults = []gitFault{{
	name:    "proxy down",
	says:    "list refs: proxyconnect tcp: dial tcp PROXY: connect: connection refused",
	again:   soon,
	proxied: true,
	begin:   func(w *faults) { w.proxy.gate.down() },
	end:     func(w *faults) { w.proxy.gate.up() },
}, {
	name:    "proxy refuses",
	says:    "list refs: the proxy refuses the user and password that the environment has for it",
	again:   interval,
	proxied: true,
	begin:   func(w *faults) { w.proxy.password.Store("another") },
	end:     func(w *faults) { w.proxy.password.Store(proxyPassword) },
}, {
	name:    "proxy cannot reach the server",
	says:    "list refs: Bad Gateway",
	again:   soon,
	proxied: true,
	begin:   func(w *faults) { w.gate.down() },
	end:     func(w *faults) { w.gate.up() },
}, {
	name:    "proxy down (ssh)",
	says:    "connect: socks connect tcp git.example.org:22: dial tcp PROXY: connect: connection refused",
	again:   soon,
	ssh:     true,
	proxied: true,
	begin:   func(w *faults) { w.proxy.gate.down() },
	end:     func(w *faults) { w.proxy.gate.up() },
}}

const (
	proxyPassword = "planted-proxy-password"
	hiddenHost    = "git.example.org" // leads nowhere but through the proxy
)

// proxyServer takes everybody who knows the password to the one real server.
type proxyServer struct {
	gate     *gate
	target   string
	password atomic.Value
	passed   atomic.Int32
}

func newProxy(t *testing.T, target string) *proxyServer {
	t.Helper()
	p := &proxyServer{gate: newGate(t), target: target}
	p.password.Store(proxyPassword)
	return p
}

// serveConnect speaks HTTP's CONNECT.
func (p *proxyServer) serveConnect(t *testing.T) {
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+p.password.Load().(string)))
		if req.Header.Get("Proxy-Authorization") != want {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		out, err := net.Dial("tcp", p.target)
		if req.Method != http.MethodConnect || req.Host != hiddenHost+":443" || err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		in, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			out.Close()
			return
		}
		io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
		p.join(in, out)
	})}
	go server.Serve(p.gate)
	t.Cleanup(func() { server.Close() })
}

// serveSOCKS speaks as much of SOCKS5 (RFC 1928, 1929) as one client needs.
func (p *proxyServer) serveSOCKS() {
	for {
		in, err := p.gate.Accept()
		if err != nil {
			return
		}
		go func() {
			if err := p.socks(in); err != nil {
				in.Close()
			}
		}()
	}
}

func (p *proxyServer) socks(in net.Conn) error {
	field := func() string { // after its length
		var n [1]byte
		if _, err := io.ReadFull(in, n[:]); err != nil {
			return ""
		}
		data := make([]byte, n[0])
		io.ReadFull(in, data)
		return string(data)
	}
	var version [1]byte
	io.ReadFull(in, version[:])
	if methods := field(); !strings.Contains(methods, "\x02") {
		return errors.New("no password is offered")
	}
	in.Write([]byte{5, 2})
	io.ReadFull(in, version[:])
	if user, password := field(), field(); user != "me" || password != p.password.Load() {
		in.Write([]byte{1, 1})
		return errors.New("wrong password")
	}
	in.Write([]byte{1, 0})
	var head [4]byte
	io.ReadFull(in, head[:])
	host := field()
	var port uint16
	binary.Read(in, binary.BigEndian, &port)
	out, err := net.Dial("tcp", p.target)
	if head[3] != 3 || host != hiddenHost || port != 22 || err != nil {
		return errors.New("no such server")
	}
	in.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	p.join(in, out)
	return nil
}

func (p *proxyServer) join(in, out net.Conn) {
	p.passed.Add(1)
	for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
		go func() {
			io.Copy(pair[0], pair[1])
			in.Close()
			out.Close()
		}()
	}
}

// behind puts the servers behind a proxy and returns what reads them there.
func (w *faults) behind() *process {
	w.t.Helper()
	w.proxy = newProxy(w.t, w.gate.address)
	w.secret = append(w.secret, proxyPassword)
	p := &process{Credentials: w.credentials()}
	if w.ssh != nil {
		go w.proxy.serveSOCKS()
		writeFile(w.t, w.file("known_hosts"), hiddenHost+" "+w.ssh.public("host"))
		p.URL = w.ssh.user + "@" + hiddenHost + ":" + w.bare
		p.env = "ALL_PROXY=socks5://me:" + proxyPassword + "@" + w.proxy.gate.address
	} else {
		w.proxy.serveConnect(w.t)
		p.URL = "https://" + hiddenHost + "/routes.git"
		p.env = "HTTPS_PROXY=http://me:" + proxyPassword + "@" + w.proxy.gate.address
	}
	w.t.Cleanup(func() {
		if w.proxy.passed.Load() == 0 {
			w.t.Error("nothing went through the proxy")
		}
	})
	return p
}

// process is a Remote in a process of its own.
type process struct {
	URL         string
	Credentials git.Credentials
	env         string
}

// answered is what it found.
type answered struct {
	Revision  route.Revision
	Err       string
	Permanent bool
}

func (a answered) Error() string { return a.Err }

type lastingAnswer struct{ answered }

func (lastingAnswer) Permanent() bool { return true }

const askedBy = "GIT_TEST_PROCESS" // holds a process in JSON

func answer(asked string) {
	var p process
	if err := json.Unmarshal([]byte(asked), &p); err != nil {
		panic(err)
	}
	remote, err := git.NewRemote(git.RemoteOptions{URL: p.URL, Credentials: p.Credentials})
	if err != nil {
		panic(err)
	}
	var a answered
	if a.Revision, err = remote.Fetch(context.Background()); err != nil {
		_, a.Permanent = errors.AsType[interface {
			error
			Permanent() bool
		}](err)
		a.Err = err.Error()
	}
	json.NewEncoder(os.Stdout).Encode(a)
}

func (p *process) String() string { return git.Redact(p.URL) }

func (p *process) Fetch(ctx context.Context) (route.Revision, error) {
	asked, err := json.Marshal(p)
	if err != nil {
		return route.Revision{}, err
	}
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = []string{askedBy + "=" + string(asked), p.env, "PATH=" + os.Getenv("PATH")}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return route.Revision{}, err
	}
	var a answered
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		return route.Revision{}, err
	}
	switch {
	case a.Permanent:
		return a.Revision, lastingAnswer{a}
	case a.Err != "":
		return a.Revision, a
	}
	return a.Revision, nil
}
