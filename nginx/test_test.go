package nginx_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/nginx"
)

func tester(t *testing.T) nginx.Tester {
	t.Helper()
	if testing.Short() {
		t.Skip("the lab's nginx is fetched as root")
	}
	path, err := lab.Nginx(t.Context(), "1.30")
	if err != nil {
		t.Fatal(err)
	}
	return nginx.Tester{Path: path}
}

const mainFile = `
events {}
http {
    access_log /dev/stdout;
    client_body_temp_path /tmp/nginx-client-body;
    proxy_temp_path /tmp/nginx-proxy;
    fastcgi_temp_path /tmp/nginx-fastcgi;
    uwsgi_temp_path /tmp/nginx-uwsgi;
    scgi_temp_path /tmp/nginx-scgi;
    include routes/*.conf;
}
`

func shards(routes string) []generator.Shard {
	return []generator.Shard{
		{Path: "nginx.conf", Data: []byte(mainFile)},
		{Path: "routes/000.conf", Data: []byte(routes)},
	}
}

func TestAccepts(t *testing.T) {
	// Port 80 is one that only the privileged may bind.
	if err := tester(t).Test(t.Context(), shards("server { listen 80 reuseport; return 503; }")); err != nil {
		t.Errorf("a good file: got %v, want nil", err)
	}
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct{ name, routes, want string }{
		{"unknown directive", "server {\n  hello;\n}", `unknown directive "hello" in routes/000.conf:2`},
		{"empty upstream", "upstream demo {\n}", `no servers are inside upstream in routes/000.conf:2`},
		{"unclosed", "server {", `unexpected end of file, expecting "}" in routes/000.conf:1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := tester(t).Test(t.Context(), shards(c.routes))
			var refused *nginx.Refused
			if !errors.As(err, &refused) {
				t.Fatalf("got %v, want a *Refused", err)
			}
			if refused.Complaint != c.want {
				t.Errorf("complaint:\n got %q\nwant %q", refused.Complaint, c.want)
			}
		})
	}
}

func TestCannotAsk(t *testing.T) {
	err := nginx.Tester{Path: "/nonexistent/nginx"}.Test(t.Context(), shards(""))
	var refused *nginx.Refused
	if err == nil || errors.As(err, &refused) || !strings.Contains(err.Error(), "run nginx -t") {
		t.Errorf("a missing program: got %v, want an error that is no complaint about the files", err)
	}
}
