package bench

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/route"
)

// The places of a data plane on the loopback.
const (
	peerPort                              = 18070
	oursHTTP, oursHTTPS, oursStatus       = 18061, 18461, 18062
	theirsHTTP, theirsHTTPS, planePools   = 18063, 18463, 100
	planePairs, planeSeconds, connections = 7, 3, 32
)

// BenchmarkRequests asks two nginx of one version, with one worker each, for the same
// routes by turns: one serves what a repository renders to, the other a file written as
// somebody who knows nginx well would write it. The load is wrk's, one thread with 32
// connections that are kept, over all hosts in turn. The first ratio is of requests for
// a second of nginx's own processor time, which is what a busy proxy is bounded by and
// what nobody else on the machine changes; the other one is of requests by the clock.
func BenchmarkRequests(b *testing.B) {
	for _, routes := range []int{1, whole} {
		dir := b.TempDir()
		certify(b, dir)
		peers := fmt.Sprintf("worker_processes 1;\nworker_rlimit_nofile 16384;\nevents { worker_connections 8192; }\nhttp {\n%saccess_log off;\nkeepalive_requests 1000000;\nserver { listen 127.0.0.1:%d reuseport; return 200 ok; }\n}\n", temporary(dir), peerPort)
		_, stopPeers := serve(b, filepath.Join(dir, "peers"), map[string]string{"nginx.conf": peers})
		rendered, stopOurs := serve(b, filepath.Join(dir, "ours"), rendered(b, dir, routes))
		byHand, stopTheirs := serve(b, filepath.Join(dir, "theirs"), map[string]string{"nginx.conf": written(dir, routes)})
		for _, scheme := range []string{"http", "https"} {
			ours, theirs := oursHTTP, theirsHTTP
			if scheme == "https" {
				ours, theirs = oursHTTPS, theirsHTTPS
			}
			b.Run(fmt.Sprintf("%s/%d", scheme, routes), func(b *testing.B) {
				var ratios, byClock, mine []float64
				asked := func(port int, pids []int) (perProcessor, perSecond float64) {
					before := cpuTimes(b, pids)
					requests := wrk(b, scheme, port, routes)
					return requests / (cpuTimes(b, pids) - before).Seconds(), requests / planeSeconds
				}
				for b.Loop() {
					asked(ours, rendered) // warms both up
					asked(theirs, byHand)
					for range planePairs {
						us, our := asked(ours, rendered)
						them, their := asked(theirs, byHand)
						mine, ratios, byClock = append(mine, our), append(ratios, us/them), append(byClock, our/their)
					}
				}
				report(b, "of-hand-written", ratios)
				b.ReportMetric(middle(byClock), "by-clock")
				b.ReportMetric(middle(mine), "requests/s")
			})
		}
		stopOurs()
		stopTheirs()
		stopPeers()
	}
}

func host(i int) string { return fmt.Sprintf("www-%d.example.org", i) }

// rendered is a repository's files, with the places of secrets and temporary files
// below a folder.
func rendered(b *testing.B, dir string, routes int) map[string]string {
	b.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "proxies: {edge: {image: nginx:1.30, workers: 1, openFiles: 16384, connections: 8192, listen: {http: %d, https: %d}, status: {port: %d}, defaults: {tls: {cert: site.crt, key: site.key, plain: serve}}}}\npools:\n", oursHTTP, oursHTTPS, oursStatus)
	for pool := range planePools {
		fmt.Fprintf(&text, "  pool-%d: {servers: [127.0.0.1:%d]}\n", pool, peerPort)
	}
	text.WriteString("routes:\n  localhost: {hosts: [localhost], pool: pool-0}\n")
	for i := range routes {
		fmt.Fprintf(&text, "  r-%d: {hosts: [%s], pool: pool-%d}\n", i, host(i), i%planePools)
	}
	live := &generator.Live{Secrets: []generator.Secret{{ID: "c", Name: "site.crt"}, {ID: "k", Name: "site.key"}}}
	model, problems := generator.Build(parsed(b, route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(text.String())}}}), live)
	if problems != nil {
		b.Fatal(problems[0])
	}
	files, err := generator.Render(model.Proxies[0])
	if err != nil {
		b.Fatal(err)
	}
	rollout, err := generator.Pack("", model.Proxies[0], files, nil)
	if err != nil {
		b.Fatal(err)
	}
	out := map[string]string{}
	places := strings.NewReplacer(generator.SecretFolder, dir+"/", " /tmp/", " "+dir+"/")
	for _, s := range rollout.Shards {
		out[s.Path] = places.Replace(string(s.Data))
	}
	return out
}

// written is what an expert writes for the same routes.
func written(dir string, routes int) string {
	var text strings.Builder
	fmt.Fprintf(&text, `worker_processes 1;
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
http {
    server_tokens off;
    log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
                    '$request_time $upstream_addr $upstream_status $upstream_response_time $host $request_id';
    access_log /dev/stdout main buffer=64k flush=1s;
    server_names_hash_max_size 32768;
    server_names_hash_bucket_size 128;
%[4]s    map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
    ssl_session_cache shared:tls:10m;
    ssl_session_timeout 1d;
    ssl_session_tickets off;
    ssl_certificate %[1]s/site.crt;
    ssl_certificate_key %[1]s/site.key;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Port $server_port;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Request-ID $request_id;
    proxy_connect_timeout 5s;
    server { listen %[2]d default_server reuseport; listen %[3]d ssl default_server reuseport; return 503; }
`, dir, theirsHTTP, theirsHTTPS, temporary(dir))
	for pool := range planePools {
		fmt.Fprintf(&text, "    upstream pool-%d { server 127.0.0.1:%d; keepalive 64; }\n", pool, peerPort)
	}
	for i := -1; i < routes; i++ {
		name, pool := "localhost", 0
		if i >= 0 {
			name, pool = host(i), i%planePools
		}
		fmt.Fprintf(&text, "    server { listen %d; listen %d ssl; server_name %s; location / { client_max_body_size 1m; proxy_pass http://pool-%d; } }\n", theirsHTTP, theirsHTTPS, name, pool)
	}
	return text.String() + "}\n"
}

// temporary are nginx's own folders, which Debian's has where nothing is.
func temporary(dir string) string {
	var out strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&out, "%s_temp_path %s/%s;\n", kind, dir, kind)
	}
	return out.String()
}

// certify makes a certificate for all hosts.
func certify(b *testing.B, dir string) {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(24 * time.Hour)}
	public, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		b.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		b.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"site.crt": {Type: "CERTIFICATE", Bytes: public}, "site.key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// serve starts nginx with some files, its log going to a file, and waits until it
// answers.
func serve(b *testing.B, dir string, files map[string]string) (pids []int, stop func()) {
	b.Helper()
	for path, data := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte(data), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	program, err := lab.Nginx(b.Context(), "1.30")
	if err != nil {
		b.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(program, "-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf"), "-g", "daemon off; user root; pid "+dir+"/pid;")
	cmd.Stdout, cmd.Stderr = log, os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	gone, ended := make(chan error, 1), false
	go func() { gone <- cmd.Wait() }()
	stop = func() {
		if !ended {
			ended = true
			cmd.Process.Signal(syscall.SIGTERM)
			<-gone
			log.Close()
		}
	}
	b.Cleanup(stop)
	port := regexp.MustCompile(`listen (?:127\.0\.0\.1:)?(\d+)`).FindStringSubmatch(files["nginx.conf"])
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port[1]); err == nil {
			c.Close()
			if pids = family(cmd.Process.Pid); len(pids) > 1 {
				return pids, stop
			}
		}
		if len(gone) > 0 {
			break
		}
	}
	b.Fatal("nginx does not answer")
	return nil, nil
}

// family is a process and its children.
func family(pid int) []int {
	pids := []int{pid}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	for child := range strings.FieldsSeq(string(children)) {
		n, _ := strconv.Atoi(child)
		pids = append(pids, n)
	}
	return pids
}

var answered = regexp.MustCompile(`([0-9]+) requests in`)

// wrk is how many requests are answered in planeSeconds.
func wrk(b *testing.B, scheme string, port, routes int) float64 {
	b.Helper()
	script := filepath.Join(b.TempDir(), "hosts.lua")
	lua := fmt.Sprintf(`local requests, n = {}, 0
init = function() for i = 0, %d do requests[i] = wrk.format("GET", "/items/1", {Host = "www-" .. i .. ".example.org"}) end end
request = function() n = (n + 1) %% %d; return requests[n] end
`, routes-1, routes)
	if err := os.WriteFile(script, []byte(lua), 0o644); err != nil {
		b.Fatal(err)
	}
	out, err := exec.CommandContext(b.Context(), "wrk", "-t1", fmt.Sprintf("-c%d", connections), fmt.Sprintf("-d%ds", planeSeconds), "-s", script,
		fmt.Sprintf("%s://localhost:%d/", scheme, port)).CombinedOutput()
	found := answered.FindSubmatch(out)
	if err != nil || found == nil || strings.Contains(string(out), "Non-2xx") || strings.Contains(string(out), "Socket errors") {
		b.Fatalf("wrk: %v: %s", err, out)
	}
	requests, _ := strconv.ParseFloat(string(found[1]), 64)
	return requests
}
