package nginx_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/nginx"
)

// TestRefusesUnasked has no nginx that could be asked: a complaint is the list's.
func TestRefusesUnasked(t *testing.T) {
	err := nginx.Tester{Path: "/nonexistent/nginx"}.Test(t.Context(), shards("server {\n  hello;\n}\nload_module x;"))
	var refused *nginx.Refused
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want a *Refused", err)
	}
	const want = `"hello" is not allowed in server in routes/000.conf:2 (docs/directives.md lists those that are); ` +
		`"load_module" is not allowed in routes/000.conf:4 (leave it out: a proxy runs nothing but nginx as it is)`
	if refused.Refusal() != want || !refused.Unasked {
		t.Errorf("complaint:\n got %s\nwant %s", refused.Refusal(), want)
	}
}

// TestNoFileIsServed leads requests to a file by directives that are allowed. It
// is served whatever folder is the root, which is refused, and not where the root
// is the one that http must have.
func TestNoFileIsServed(t *testing.T) {
	if testing.Short() {
		t.Skip("the lab's nginx is fetched as root")
	}
	for _, version := range []string{"1.30", "1.22"} {
		t.Run(version, func(t *testing.T) {
			program, err := lab.Nginx(t.Context(), version)
			if err != nil {
				t.Fatal(err)
			}
			w := newWharf(t, version, program)
			w.secret("key", []byte("a secret"))
			for _, c := range []struct {
				root    string
				allowed bool
				status  int
			}{
				{"/usr", false, 200}, // any folder there is
				{"/dev/null", true, 404},
			} {
				main := w.fill(t, fmt.Sprintf(fileServer, c.root), "")
				shards := []generator.Shard{{Path: "nginx.conf", Data: []byte(main)}}
				if err := (nginx.Tester{Path: program}).Test(t.Context(), shards); (err == nil) != c.allowed {
					t.Errorf("root %s: got %v, want it allowed: %t", c.root, err, c.allowed)
				}
				w.start(t, shards, w.port(t, "status"), "hand")
				for _, way := range []string{"rewrite", "try", "error"} {
					a := w.get(t, "http://any.example/"+way)
					if a.Status != c.status || (a.Body == "a secret") != (c.status == 200) {
						t.Errorf("root %s, by %s: got %d and %q, want %d", c.root, way, a.Status, a.Body, c.status)
					}
				}
			}
		})
	}
}

const fileServer = `events {}
http {
    root %s;
    access_log off;
    client_body_temp_path /tmp/nginx-client-body;
    proxy_temp_path /tmp/nginx-proxy;
    fastcgi_temp_path /tmp/nginx-fastcgi;
    uwsgi_temp_path /tmp/nginx-uwsgi;
    scgi_temp_path /tmp/nginx-scgi;
    server { listen {{status}}; location = /digest/hand { return 204; } }
    server {
        listen {{http}};
        location /rewrite { rewrite ^ /../run/secrets/key break; }
        location /try { try_files /../run/secrets/key =404; }
        location /error { error_page 404 =200 /../run/secrets/key; return 404; }
    }
}
`
