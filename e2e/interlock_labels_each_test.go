package e2e_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// labelTests has a test for each label, in the order of docs/interlock.md.
var labelTests = []labelTest{
	{"hosts", []labelled{
		{"hosts", 3, publishes, []string{"hosts= A.hosts.local, b.hosts.local;", "port=8080"}},
		{"hosts-next", 1, onApps, []string{"hosts=b.hosts.local", "port=8080"}},
	}, seeHosts},
	{"port", []labelled{
		{"port", 1, []string{"--env", "LISTEN=:8080,:9090", "--publish", "mode=host,target=8080", "--publish", "mode=host,target=9090"}, []string{"hosts=port.local", "port=9090"}},
		{"port-of-nobody", 0, publishes, []string{"hosts=port-of-nobody.local", "port=9999"}},
		{"typo", 0, publishes, []string{"host=typo.local", "port=8080"}},
	}, seePort},
	{"network", []labelled{
		{"network", 1, []string{"--network", "apps", "--network", "other"}, []string{"hosts=network.local", "port=8080", "network=other"}},
		{"ambiguous", 0, []string{"--network", "apps", "--network", "other"}, []string{"hosts=ambiguous.local", "port=8080"}},
	}, seeNetwork},
	{"context_root", []labelled{
		{"root-app", 1, publishes, []string{"hosts=root.local", "port=8080", "context_root=/app"}},
		{"root-api", 1, onApps, []string{"hosts=root.local", "port=8080", "context_root=api/"}},
	}, seeContextRoot},
	{"context_root_rewrite", []labelled{
		{"rewrite", 1, publishes, []string{"hosts=rewrite.local", "port=8080", "context_root=/app", "context_root_rewrite=true"}},
	}, seeContextRootRewrite},
	{"ssl_only", []labelled{
		{"only", 1, publishes, []string{"hosts=only.local", "port=8080", "ssl_cert=only", "ssl_key=only-key", "ssl_only=true"}},
	}, seeSSLOnly},
	{"ssl_cert", []labelled{
		{"cert", 1, publishes, []string{"hosts=cert.local", "port=8080", "ssl_cert=cert", "ssl_key=cert-key"}},
	}, seeSSLCert},
	{"ssl_key", nil, seeSSLKey},
	{"ssl_passthrough", []labelled{
		{"pass", 1, speaksTLS("pass", publishes...), []string{"hosts=pass.local", "port=8080", "ssl_passthrough=true"}},
	}, seeSSLPassthrough},
	{"ssl_backend", []labelled{
		{"backend", 1, speaksTLS("backend", publishes...), []string{"hosts=backend.local", "port=8080", "ssl_backend=true"}},
	}, seeSSLBackend},
	{"ssl_backend_tls_verify", []labelled{
		{"backend-none", 1, speaksTLS("backend", onApps...), []string{"hosts=backend-none.local", "port=8080", "ssl_backend=true", "ssl_backend_tls_verify=none"}},
		{"backend-verified", 0, publishes, []string{"hosts=backend-verified.local", "port=8080", "ssl_backend=true", "ssl_backend_tls_verify=required"}},
	}, seeSSLBackendVerify},
	{"websocket_endpoints", []labelled{
		{"websocket", 1, onApps, []string{"hosts=websocket.local", "port=8080", "websocket_endpoints=/ws,/foo"}},
	}, seeWebsockets},
	{"service_cluster", []labelled{
		{"cluster", 1, publishes, []string{"hosts=cluster.local", "port=8080", "service_cluster=us-east"}},
	}, seeServiceCluster},
	{"sticky_session_cookie", []labelled{
		{"sticky", 3, publishes, []string{"hosts=sticky.local", "port=8080", "sticky_session_cookie=session"}},
	}, func(w *labelWorld) string { return w.seeSticky("sticky.local", "sticky") }},
	{"ip_hash", []labelled{
		{"ip-hash", 3, publishes, []string{"hosts=ip-hash.local", "port=8080", "ip_hash=true"}},
	}, seeIPHash},
	{"redirects", []labelled{
		{"redirects", 1, publishes, []string{"hosts=new.local,old.local", "port=8080", "redirects=http://old.local,http://new.local;http://older.local,http://new.local/from"}},
	}, seeRedirects},
	{"backend_mode", []labelled{
		{"task", 1, onApps, []string{"hosts=task.local", "port=8080", "backend_mode=task"}},
		{"vip", 1, onApps, []string{"hosts=vip.local", "port=8080", "backend_mode=vip"}},
	}, seeBackendMode},
	{"default_backend", []labelled{
		{"default", 1, publishes, []string{"hosts=default.local", "port=8080", "default_backend=true", "service_cluster=us-east"}},
		{"default-second", 0, publishes, []string{"hosts=default-second.local", "port=8080", "default_backend=true", "service_cluster=us-east"}},
	}, seeDefaultBackend},
	{"max_fails", []labelled{
		{"max-fails", 2, publishes, []string{"hosts=max-fails.local", "port=8080", "max_fails=3", "fail_timeout=60s"}},
	}, seeMaxFails},
	{"fail_timeout", []labelled{
		{"fail-timeout", 2, publishes, []string{"hosts=fail-timeout.local", "port=8080", "fail_timeout=2s"}},
	}, seeFailTimeout},
	{"com.docker.ucp.mesh.http", []labelled{
		{"mesh", 1, publishes, []string{"com.docker.ucp.mesh.http=8080=http://mesh.local"}},
	}, seeMesh},
	{"external_route", []labelled{
		{"mesh-routes", 1, []string{"--env", "LISTEN=:8080,:9090", "--network", "apps"}, []string{
			"com.docker.ucp.mesh.http.1=external_route=http://one.mesh.local,internal_port=8080,include_forwarded_for=true",
			"com.docker.ucp.mesh.http.2=external_route=http://two.mesh.local,internal_port=9090",
			"com.docker.ucp.mesh.http.3=external_route=http://three.mesh.local,redirect=http://one.mesh.local",
		}},
		{"mesh-sni", 1, speaksTLS("sni", publishes...), []string{"com.docker.ucp.mesh.http=external_route=sni://sni.local,internal_port=8080"}},
	}, seeExternalRoute},
	{"internal_port", nil, seeInternalPort},
	{"sticky_sessions", []labelled{
		{"mesh-sticky", 3, publishes, []string{"com.docker.ucp.mesh.http=external_route=http://sticky.mesh.local,internal_port=8080,sticky_sessions=session"}},
	}, func(w *labelWorld) string { return w.seeSticky("sticky.mesh.local", "mesh-sticky") }},
	{"redirect", nil, seeRedirect},
	{"include_forwarded_for", nil, seeForwardedFor},
}

func seeHosts(w *labelWorld) string {
	const each = 60
	got := map[string]int{}
	for _, node := range balancers {
		for range 4 {
			w.must(request{node: node, host: "a.hosts.local", path: "/"}, "hosts")
		}
		for range each {
			a, err := w.fetch(request{node: node, host: "b.hosts.local", path: "/"})
			if err != nil || a.Code != 200 {
				w.Fatalf("%s answers b.hosts.local with %d (%v)", node, a.Code, err)
			}
			got[a.Instance]++
		}
	}
	tasks := append(w.instances("hosts"), w.instances("hosts-next")...)
	for _, task := range tasks { // a quarter each
		if n := got[task]; n < each/2-each/4 || n > each/2+each/4 {
			w.Errorf("task %s answered %d of %d requests, want about %d", task, n, 2*each, each/2)
		}
	}
	if len(got) != len(tasks) {
		w.Errorf("answers come from %v, want from the tasks %s", got, tasks)
	}
	return fmt.Sprintf("A.hosts.local leads to its service; two services share b.hosts.local, %d of %d requests to the one with 1 task of 4",
		got[tasks[3]], 2*each)
}

func seePort(w *labelWorld) string {
	for _, node := range balancers {
		a := w.must(request{node: node, host: "port.local", path: "/echo"}, "port")
		if at := w.published("port", 9090); a.Port != "9090" || !slices.Equal(a.peers(), at) {
			w.Errorf("%s asks port %s of %s, want 9090 at %s", node, a.Port, a.peers(), at)
		}
	}
	return "of two published ports, 9090 is asked"
}

// on returns a task's address on an overlay.
func (w *labelWorld) on(service, network string) string {
	w.Helper()
	for _, a := range w.tasks(service)[0].Networks {
		if a.Network.Spec.Name == network {
			address, _, _ := strings.Cut(a.Addresses[0], "/")
			return address
		}
	}
	w.Fatalf("%s is not on %s", service, network)
	return ""
}

func seeNetwork(w *labelWorld) string {
	want := w.on("network", "other") + ":8080"
	for _, node := range balancers {
		if a := w.must(request{node: node, host: "network.local", path: "/"}, "network"); !slices.Equal(a.peers(), []string{want}) {
			w.Errorf("%s asks %s, want %s", node, a.peers(), want)
		}
	}
	return "of two overlays, the task's address on the named one is asked, " + want
}

func seeContextRoot(w *labelWorld) string {
	for _, node := range balancers {
		ask := func(path string) request { return request{node: node, host: "root.local", path: path} }
		if a := w.must(ask("/app/echo?a=1"), "root-app"); a.Target != "/app/echo?a=1" {
			w.Errorf("the application gets %s, want /app/echo?a=1", a.Target)
		}
		w.must(ask("/app"), "root-app")
		w.must(ask("/api/echo"), "root-api")
		w.refuses(ask("/apple"), 404)
		w.refuses(ask("/"), 404)
	}
	return "/app and /api of one host lead to two services, with the path as it is; /apple and / to none"
}

func seeContextRootRewrite(w *labelWorld) string {
	for _, node := range balancers {
		ask := func(path string) request { return request{node: node, host: "rewrite.local", path: path} }
		if a := w.must(ask("/app/items/echo?a=1"), "rewrite"); a.Target != "/items/echo?a=1" {
			w.Errorf("the application gets %s, want /items/echo?a=1", a.Target)
		}
		if to := w.refuses(ask("/app?a=1"), 301); to != "http://rewrite.local/app/?a=1" {
			w.Errorf("/app?a=1 leads to %s, want http://rewrite.local/app/?a=1", to)
		}
	}
	return "/app/items/echo arrives as /items/echo; /app leads to /app/"
}

func seeSSLOnly(w *labelWorld) string {
	for _, node := range balancers {
		if to := w.refuses(request{node: node, host: "only.local", path: "/x?a=1"}, 301); to != "https://only.local/x?a=1" {
			w.Errorf("plain HTTP leads to %s, want https://only.local/x?a=1", to)
		}
		w.must(request{node: node, host: "only.local", path: "/", roots: w.roots["only"]}, "only")
	}
	return "plain HTTP leads to https://only.local, which is served"
}

func seeSSLCert(w *labelWorld) string {
	for _, node := range balancers {
		if a := w.must(request{node: node, host: "cert.local", path: "/echo", roots: w.roots["cert"]}, "cert"); a.TLS {
			w.Error("the application is asked by TLS")
		}
		w.must(request{node: node, host: "cert.local", path: "/"}, "cert")
	}
	return "TLS with the certificate of the secret, opened by the proxy; plain HTTP as well"
}

func seeSSLKey(w *labelWorld) string {
	// The handshake only succeeds with the key of that certificate.
	for _, node := range balancers {
		w.must(request{node: node, host: "cert.local", path: "/", roots: w.roots["cert"]}, "cert")
	}
	return "the handshake is made with the key in a secret of its own"
}

func seeSSLPassthrough(w *labelWorld) string {
	for _, node := range balancers {
		// Trust in the application's own certificate, which no proxy has.
		if a := w.must(request{node: node, host: "pass.local", path: "/echo", roots: w.roots["pass"]}, "pass"); !a.TLS || a.Header.Get("x-proxy-id") != "" {
			w.Errorf("TLS to the application: %t, with headers of the proxy %v", a.TLS, a.Header)
		}
		// Others on the same port are opened still.
		w.must(request{node: node, host: "cert.local", path: "/", roots: w.roots["cert"]}, "cert")
	}
	return "the application makes the handshake, with its own certificate; other hosts are opened as before"
}

func seeSSLBackend(w *labelWorld) string {
	for _, node := range balancers {
		if a := w.must(request{node: node, host: "backend.local", path: "/echo"}, "backend"); !a.TLS {
			w.Error("the application is asked without TLS")
		}
	}
	return "plain HTTP from the client, TLS to the task"
}

func seeSSLBackendVerify(w *labelWorld) string {
	for _, node := range balancers {
		if a := w.must(request{node: node, host: "backend-none.local", path: "/echo"}, "backend-none"); !a.TLS {
			w.Error("the application is asked without TLS")
		}
		w.refuses(request{node: node, host: "backend-verified.local", path: "/"}, 503)
	}
	return "none: TLS to a task whose certificate is for another host; required: left out, and told"
}

func seeServiceCluster(w *labelWorld) string {
	for _, node := range balancers {
		w.must(request{node: node, port: 8081, host: "cluster.local", path: "/"}, "cluster")
		w.refuses(request{node: node, host: "cluster.local", path: "/"}, 503)
		if a, err := w.fetch(request{node: node, port: 8081, host: "port.local", path: "/"}); err != nil || a.Service == "port" {
			w.Errorf("the proxy of us-east answers port.local from %q (%v)", a.Service, err)
		}
	}
	return "served by the proxy of us-east alone, which serves none of the others"
}

// seeSticky checks that a cookie keeps to one task, on all proxies, and that
// different ones do not all keep to the same.
func (w *labelWorld) seeSticky(host, service string) string {
	used := map[string]int{}
	for i := range 20 {
		instances := map[string]bool{}
		for _, node := range append(balancers, balancers...) {
			a := w.must(request{node: node, host: host, path: "/", header: map[string]string{"Cookie": fmt.Sprintf("session=client-%d", i)}}, service)
			instances[a.Instance] = true
		}
		if len(instances) > 1 {
			w.Errorf("cookie %d meets %d tasks, want one", i, len(instances))
		}
		for instance := range instances {
			used[instance]++
		}
	}
	if len(used) < 2 {
		w.Errorf("20 cookies all meet the task %v", used)
	}
	return fmt.Sprintf("each of 20 cookies keeps its task, on both proxies; %v of 3 tasks", slices.Sorted(maps.Values(used)))
}

func seeIPHash(w *labelWorld) string {
	used := map[string]int{}
	for _, client := range w.clients(20) {
		instances := map[string]bool{}
		for _, node := range append(balancers, balancers...) {
			a := w.must(request{node: node, host: "ip-hash.local", path: "/echo", from: client}, "ip-hash")
			if got := a.Headers["X-Real-Ip"]; got != client {
				w.Fatalf("the application sees the client %s, want %s", got, client)
			}
			instances[a.Instance] = true
		}
		if len(instances) > 1 {
			w.Errorf("client %s meets %d tasks, want one", client, len(instances))
		}
		for instance := range instances {
			used[instance]++
		}
	}
	if len(used) < 2 {
		w.Errorf("20 clients all meet the task %v", used)
	}
	return fmt.Sprintf("each of 20 clients' addresses keeps its task, on both proxies; %v of 3 tasks", slices.Sorted(maps.Values(used)))
}

func seeRedirects(w *labelWorld) string {
	for _, node := range balancers {
		for from, want := range map[string]string{
			"old.local":   "http://new.local/x?a=1",
			"older.local": "http://new.local/from/x?a=1",
		} {
			if to := w.refuses(request{node: node, host: from, path: "/x?a=1"}, 302); to != want {
				w.Errorf("http://%s/x?a=1 leads to %s, want %s", from, to, want)
			}
		}
		w.must(request{node: node, host: "new.local", path: "/"}, "redirects")
	}
	return "302 from http://old.local to http://new.local, path and query kept; a source that is not among hosts, too"
}

// The kernel has no IPVS, so nothing answers behind a virtual IP; but the proxy
// asks it, and says so.
func seeBackendMode(w *labelWorld) string {
	var vip []struct{ Addr string }
	w.decode(&vip, "service", "inspect", "-f", "{{json .Endpoint.VirtualIPs}}", "vip")
	address, _, _ := strings.Cut(vip[0].Addr, "/")
	for _, node := range balancers {
		if a := w.must(request{node: node, host: "task.local", path: "/"}, "task"); !slices.Equal(a.peers(), []string{w.on("task", "apps") + ":8080"}) {
			w.Errorf("task: %s asks %s, want the task's address", node, a.peers())
		}
		a, err := w.fetch(request{node: node, host: "vip.local", path: "/"})
		if err != nil || len(a.peers()) == 0 || a.peers()[0] != address+":8080" {
			w.Errorf("vip: %s asks %s (%d, %v), want the service's virtual IP %s", node, a.peers(), a.Code, err, address)
		}
	}
	return "task: the task's address is asked; vip: the service's virtual IP " + address + " (which needs IPVS to answer)"
}

func seeDefaultBackend(w *labelWorld) string {
	for _, node := range balancers {
		w.must(request{node: node, port: 8081, host: "unknown.local", path: "/"}, "default")
		w.must(request{node: node, port: 8081, host: "default.local", path: "/"}, "default")
		w.refuses(request{node: node, host: "unknown.local", path: "/"}, 503)
	}
	return "unknown hosts are answered by the service, and with 503 by a proxy that has none"
}

// tries makes n requests to one proxy, which all succeed, and returns in how many
// of them a task was asked that fails.
func (w *labelWorld) tries(host, service string, n int) (failed int) {
	w.Helper()
	for range n {
		if a := w.must(request{node: "lb-00", host: host, path: "/"}, service); len(a.peers()) > 1 {
			failed++
		}
	}
	return failed
}

// Each of a proxy's workers counts for itself, and there is one for each CPU.
func seeMaxFails(w *labelWorld) string {
	w.must(request{node: "lb-00", host: "max-fails.local", path: "/fail?for=60s"}, "max-fails")
	workers := w.workers("lb-00")
	n := w.tries("max-fails.local", "max-fails", 60)
	if n < 3 || n > 3*workers {
		w.Errorf("a task that fails was asked %d times in 60 requests, want 3 times by each of up to %d workers", n, workers)
	}
	return fmt.Sprintf("a task that fails is asked %d times in 60 requests by %d workers, 3 times at most by each", n, workers)
}

func seeFailTimeout(w *labelWorld) string {
	w.must(request{node: "lb-00", host: "fail-timeout.local", path: "/fail?for=60s"}, "fail-timeout")
	workers := w.workers("lb-00")
	first := w.tries("fail-timeout.local", "fail-timeout", 20)
	time.Sleep(3100 * time.Millisecond) // nginx counts whole seconds, and has 10 by itself
	second := w.tries("fail-timeout.local", "fail-timeout", 20)
	for _, n := range []int{first, second} {
		if n < 1 || n > 2*workers {
			w.Errorf("a task that fails was asked %d times, and after 3.1 s %d times, want once by each of up to %d workers, and again", first, second, workers)
		}
	}
	return fmt.Sprintf("a task that fails is asked %d times, and after 3.1 s %d times again", first, second)
}

// workers is how many worker processes the proxy on a node has.
func (w *labelWorld) workers(node string) int {
	w.Helper()
	return strings.Count(w.dockerOn(node, "top", w.container(node, "wharfinger-edge")), "worker process")
}

func seeMesh(w *labelWorld) string {
	for _, node := range balancers {
		w.must(request{node: node, host: "mesh.local", path: "/"}, "mesh")
	}
	return "8080=http://mesh.local, as UCP 2.0 had it, leads to the service"
}

func seeExternalRoute(w *labelWorld) string {
	for _, node := range balancers {
		if a := w.must(request{node: node, host: "one.mesh.local", path: "/echo"}, "mesh-routes"); a.Port != "8080" {
			w.Errorf("one.mesh.local asks port %s, want 8080", a.Port)
		}
		if a := w.must(request{node: node, host: "sni.local", path: "/echo", roots: w.roots["sni"]}, "mesh-sni"); !a.TLS {
			w.Error("sni.local is opened by the proxy")
		}
	}
	return "http://one.mesh.local leads to the service; sni://sni.local hands TLS on unopened"
}

func seeInternalPort(w *labelWorld) string {
	for _, node := range balancers {
		if a := w.must(request{node: node, host: "two.mesh.local", path: "/echo"}, "mesh-routes"); a.Port != "9090" {
			w.Errorf("two.mesh.local asks port %s, want 9090", a.Port)
		}
	}
	return "two labels of one service lead two hosts to its ports 8080 and 9090"
}

func seeRedirect(w *labelWorld) string {
	for _, node := range balancers {
		if to := w.refuses(request{node: node, host: "three.mesh.local", path: "/x?a=1"}, 301); to != "http://one.mesh.local/x?a=1" {
			w.Errorf("it leads to %s, want http://one.mesh.local/x?a=1", to)
		}
	}
	return "301 to http://one.mesh.local, path and query kept"
}

func seeForwardedFor(w *labelWorld) string {
	from := w.lab.Gateway()
	for _, node := range balancers {
		a := w.must(request{node: node, host: "one.mesh.local", path: "/echo", header: map[string]string{"X-Forwarded-For": "192.0.2.1"}}, "mesh-routes")
		if got := a.Headers["X-Forwarded-For"]; got != from {
			w.Errorf("X-Forwarded-For: got %q, want %s", got, from)
		}
	}
	return "the application gets the client's address in X-Forwarded-For"
}
