package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/wharfinger/wharfinger/status"
)

// somewhere is a Status with something of everything.
var somewhere = status.Status{
	Version: status.Version,
	Source: &status.Source{Name: "https://git.example.org/routes.git", Revision: "b2", Followed: "a1",
		Read: time.Unix(1700000100, 0).UTC(), Error: "list refs: gave up"},
	Swarm:  &status.Swarm{Read: time.Unix(1700000200, 0).UTC()},
	Pinned: []status.Pin{{Source: "https://git.example.org/routes.git", Revision: "a1", Since: time.Unix(1700000000, 0).UTC()}},
	Proxies: []status.Proxy{{
		Name: "edge", Service: "wharfinger-edge", State: status.RolledBack, Why: "it failed", Revision: "a1",
		Since: time.Unix(1700000000, 0).UTC(), Digest: "01f08b50", Nodes: []status.Node{{Name: "lb-00", State: "running"}},
		Failed: &status.Failed{Rollout: "id-2", Revision: "b2", Why: "it crashed"}, Drift: []string{"image is another"},
		Pools: []status.Pool{{Name: "shop", Peers: []string{"10.0.0.1:80", "10.0.0.2:80"}, Routes: []string{"shop"}}, {Name: "gone", Peers: []string{}}},
	}},
	Problems: []status.Problem{{File: "a.yaml", Line: 3, Column: 1, Text: "no such pool", Refuses: true}, {Object: "service demo", Text: "it has no tasks"}},
}

// siteOf is a site that hooks are sent to.
func siteOf(hooks *Hooks) Site {
	return Site{Ready: func() bool { return true }, Status: func() status.Status { return somewhere }, Metrics: NewMetrics("test"), Hooks: hooks}
}

func TestOperateStatus(t *testing.T) {
	s := httptest.NewServer(siteOf(nil).handler(true))
	defer s.Close()
	res, err := http.Get(s.URL + "/status")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %s, %s, %v", res.Status, res.Header.Get("Content-Type"), err)
	}
	var got status.Status
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, somewhere) {
		t.Errorf("got %+v\nwant %+v", got, somewhere)
	}
}

// Metrics are what Prometheus' own linter takes, and tell what the status says.
func TestOperateMetrics(t *testing.T) {
	site := siteOf(nil)
	m := site.Metrics
	m.Fetched("new")
	m.Took("build", time.Millisecond)
	m.RolledOut("edge", "failed")
	m.Asked("tasks", 200, time.Millisecond)
	m.Named("NOERROR")
	s := httptest.NewServer(site.handler(true))
	defer s.Close()
	res, err := http.Get(s.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("got %s, %v: %s", res.Status, err, text)
	}
	problems, err := promlint.New(strings.NewReader(string(text))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, want := range []string{
		`wharfinger_build_info{version="test"} 1`,
		`wharfinger_git_fetches_total{outcome="new"} 1`,
		`wharfinger_git_fetches_total{outcome="failed"} 0`,
		`wharfinger_step_duration_seconds_count{step="build"} 1`,
		`wharfinger_rollouts_total{outcome="failed",proxy="edge"} 1`,
		`wharfinger_docker_requests_total{about="tasks",code="200"} 1`,
		`wharfinger_docker_request_duration_seconds_count{about="tasks"} 1`,
		`wharfinger_dns_answers_total{code="NOERROR"} 1`,
		"wharfinger_ready 1",
		"wharfinger_source_up 0",
		"wharfinger_source_read_timestamp_seconds 1.7000001e+09",
		"wharfinger_swarm_up 1",
		"wharfinger_swarm_read_timestamp_seconds 1.7000002e+09",
		`wharfinger_pin_timestamp_seconds{revision="a1"} 1.7e+09`,
		`wharfinger_problems{where="repository"} 1`,
		`wharfinger_problems{where="cluster"} 1`,
		`wharfinger_proxy_info{digest="01f08b50",proxy="edge",revision="a1"} 1`,
		`wharfinger_proxy_state{proxy="edge",state="rolled back"} 1`,
		`wharfinger_proxy_state{proxy="edge",state="live"} 0`,
		`wharfinger_proxy_revision_timestamp_seconds{proxy="edge"} 1.7e+09`,
		`wharfinger_proxy_nodes{proxy="edge"} 1`,
		`wharfinger_proxy_drift{proxy="edge"} 1`,
		`wharfinger_proxy_failed{proxy="edge"} 1`,
		`wharfinger_pools{proxy="edge"} 2`,
		`wharfinger_pool_peers{pool="shop",proxy="edge"} 2`,
		`wharfinger_pool_peers{pool="gone",proxy="edge"} 0`,
	} {
		if !strings.Contains(string(text), "\n"+want+"\n") {
			t.Errorf("it lacks %s", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}

// A proxy with more pools than Prometheus shall keep shows those with the fewest peers.
func TestOperatePoolsAreBounded(t *testing.T) {
	many := somewhere
	var all []status.Pool
	for i := range 3 * maxPools {
		pool := status.Pool{Name: fmt.Sprintf("p%d", i)}
		for range 3 - i/maxPools {
			pool.Peers = append(pool.Peers, "10.0.0.1:80")
		}
		all = append(all, pool)
	}
	many.Proxies = []status.Proxy{{Name: "edge", Pools: all}}
	c := collector{func() status.Status { return many }, func() bool { return true }}
	if got := testutil.CollectAndCount(c, "wharfinger_pool_peers"); got != maxPools {
		t.Errorf("got %d series, want %d", got, maxPools)
	}
	for _, pool := range fewestPeers(all) {
		if len(pool.Peers) != 1 {
			t.Fatalf("pool %s with %d peers is told of, while others have 1", pool.Name, len(pool.Peers))
		}
	}
}

func TestOperateAccess(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	const first, second = "first-token-0123456789", "second-token-0123456789"
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(token, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(first)
	ask := func(a Access, alone bool, path, bearer string) int {
		t.Helper()
		site := siteOf(nil)
		site.Access = a
		r := httptest.NewRequest("GET", path, nil)
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		w := httptest.NewRecorder()
		site.handler(alone).ServeHTTP(w, r)
		if w.Code != http.StatusOK && strings.Contains(w.Body.String(), "edge") {
			t.Errorf("%s answers %d and tells of the routing: %s", path, w.Code, w.Body)
		}
		return w.Code
	}
	withToken, withTLS := Access{TokenFile: token}, Access{CertFile: "x", KeyFile: "x"}
	for _, path := range []string{"/status", "/metrics"} {
		for _, c := range []struct {
			name   string
			access Access
			alone  bool
			bearer string
			want   int
		}{
			{"loopback", Access{}, true, "", 200},
			{"anywhere", Access{}, false, "", 403},
			{"anywhere, with a token that nobody gave", Access{}, false, first, 403},
			{"TLS", withTLS, false, "", 200},
			{"token", withToken, false, first, 200},
			{"no token", withToken, false, "", 401},
			{"wrong token", withToken, false, second, 401},
			{"part of the token", withToken, false, first[:len(first)-1], 401},
			{"no token on loopback", withToken, true, "", 401},
			{"token file gone", Access{TokenFile: token + "-gone"}, false, first, 503},
		} {
			if got := ask(c.access, c.alone, path, c.bearer); got != c.want {
				t.Errorf("%s, %s: got %d, want %d", path, c.name, got, c.want)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := ask(withToken, false, path, ""); got != 200 {
			t.Errorf("%s without the token: got %d, want 200", path, got)
		}
	}
	write(second)
	if got := ask(withToken, false, "/status", second); got != 200 {
		t.Errorf("with the renewed token: got %d, want 200", got)
	}
}

// The certificate is read again when it is renewed, and one that does not fit its key
// leaves the one before.
func TestOperateTLS(t *testing.T) {
	dir := t.TempDir()
	a := Access{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	renew := func(serial int64, at time.Time) {
		t.Helper()
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
		cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		for file, block := range map[string]*pem.Block{a.CertFile: {Type: "CERTIFICATE", Bytes: cert}, a.KeyFile: {Type: "EC PRIVATE KEY", Bytes: secret}} {
			if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := plain.Addr().String()
	if _, err := a.overTLS(plain); err == nil {
		t.Fatal("without the files: got nil, want an error")
	}
	begin := time.Now()
	renew(1, begin)
	ctx, stop := context.WithCancel(t.Context())
	site := siteOf(nil)
	site.Address, site.Access = address, a
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, site) }()
	serial := func() int64 {
		t.Helper()
		var conn *tls.Conn
		for {
			var err error
			if conn, err = tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}); err == nil {
				break
			}
			if t.Context().Err() != nil || time.Since(begin) > 20*time.Second {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("got certificate %d, want 1", got)
	}
	renew(2, begin.Add(time.Second))
	if got := serial(); got != 2 {
		t.Errorf("renewed: got certificate %d, want 2", got)
	}
	if err := os.WriteFile(a.KeyFile, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("with a broken key: got certificate %d, want still 2", got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
