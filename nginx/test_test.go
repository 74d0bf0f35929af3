package nginx_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/nginx"
)

func tester(t *testing.T) nginx.Tester {
	t.Helper()
	return testerOf(t, "1.30")
}

func testerOf(t *testing.T, version string) nginx.Tester {
	t.Helper()
	if testing.Short() {
		t.Skip("the lab's nginx is fetched as root")
	}
	path, err := lab.Nginx(t.Context(), version)
	if err != nil {
		t.Fatal(err)
	}
	return nginx.Tester{Path: path}
}

const mainFile = `
events {}
http {
    root /dev/null;
    access_log /dev/stdout;
    client_body_temp_path /tmp/nginx-client-body;
    proxy_temp_path /tmp/nginx-proxy;
    fastcgi_temp_path /tmp/nginx-fastcgi;
    uwsgi_temp_path /tmp/nginx-uwsgi;
    scgi_temp_path /tmp/nginx-scgi;
    include routes/*.conf;
}
stream {
    include streams/*.conf;
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
		{"wrong value", "server {\n  client_max_body_size much;\n}", `"client_max_body_size" directive invalid value in routes/000.conf:2`},
		{"empty upstream", "upstream demo {\n}", `no servers are inside upstream in routes/000.conf:2`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := tester(t).Test(t.Context(), shards(c.routes))
			var refused *nginx.Refused
			if !errors.As(err, &refused) {
				t.Fatalf("got %v, want a *Refused", err)
			}
			if refused.Refusal() != c.want {
				t.Errorf("complaint:\n got %q\nwant %q", refused.Refusal(), c.want)
			}
		})
	}
}

// TestPlaces holds that a proxy's secrets, sockets, caches and temporary files
// are neither needed nor touched where its files are tested.
func TestPlaces(t *testing.T) {
	mine := fmt.Sprintf("/tmp/wharfinger-places-%d", os.Getpid())
	live, err := net.Listen("unix", mine+".sock") // as a proxy on this machine would
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	long := "/tmp/" + strings.Repeat("x", 107-len("/tmp/")) // sun_path has one byte more, for the end
	routes := strings.NewReplacer("MINE", mine, "LONG", long).Replace(`
proxy_cache_path MINE.cache levels=1:2 keys_zone=one:1m;
proxy_cache_path "MINE.quoted" keys_zone=two:1m;
server { listen unix:MINE.sock; listen "unix:LONG";
    auth_basic shop; auth_basic_user_file /run/secrets/people; return 403; }
server {
    listen 8443 ssl;
    ssl_certificate "/run/secrets/shop.example.org"; ssl_certificate_key "/run/secrets/shop.example.org.key";
    ssl_certificate     /run/secrets/second_2024-01;
    ssl_certificate_key /run/secrets/second_2024-01;
    ssl_client_certificate "/run/secrets/clients";
    ssl_trusted_certificate "/run/secrets/issuer";
    ssl_verify_client on;
    location /tmp/ {
        location = /tmp/x { return 204; }
        proxy_pass https://192.0.2.1;
        proxy_ssl_verify on;
        proxy_ssl_trusted_certificate /run/secrets/peers;
        proxy_ssl_certificate /run/secrets/me;
        proxy_ssl_certificate_key /run/secrets/me;
    }
    location "/run/secrets/" {
        location = "/run/secrets/x" { return 204; }
    }
}
`)
	streams := strings.NewReplacer("MINE", mine).Replace(`
map $ssl_preread_server_name $peer { default unix:MINE.sock; }
upstream own { server unix:MINE.sock; }
server { listen unix:MINE.stream ssl; ssl_certificate /run/secrets/stream; ssl_certificate_key /run/secrets/stream; proxy_pass own; }
server { listen 8444; ssl_preread on; proxy_pass $peer; }
`)
	for _, version := range []string{"1.30", "1.22"} {
		t.Run(version, func(t *testing.T) {
			all := append(shards(routes), generator.Shard{Path: "streams/000.conf", Data: []byte(streams)})
			if err := testerOf(t, version).Test(t.Context(), all); err != nil {
				t.Error(err)
			}
			conn, err := net.Dial("unix", mine+".sock")
			if err != nil {
				t.Fatalf("the socket that was there: %v", err)
			}
			conn.Close()
			if found, _ := filepath.Glob(mine + ".*"); !slices.Equal(found, []string{mine + ".sock"}) {
				t.Errorf("the test leaves %q", found)
			}
		})
	}
}

// TestComplaintsNameTheProxysPlaces holds that people read the paths that they
// know, and nothing of the test's.
func TestComplaintsNameTheProxysPlaces(t *testing.T) {
	server := func(directives string) string {
		return "server { listen 443 ssl; ssl_certificate /run/secrets/a; ssl_certificate_key /run/secrets/a; " + directives + " }"
	}
	for _, c := range []struct{ name, routes, want string }{
		{"secret", server("ssl_session_ticket_key /run/secrets/ticket;"), `"/run/secrets/ticket" must be 48 or 80 bytes in `},
		{"secret, quoted", server(`ssl_dhparam "/run/secrets/dh";`), `PEM_read_bio_DHparams("/run/secrets/dh") failed`},
		{"cache", "proxy_cache_path /tmp/cache keys_zone=a:1m;\nproxy_cache_path /tmp/cache keys_zone=b:1m levels=1;",
			`the same path name "/tmp/cache" used in routes/000.conf:1`},
		{"socket", "server { listen unix:/tmp/a.sock; listen unix:/tmp/a.sock; }", `a duplicate listen unix:/tmp/a.sock in routes/000.conf:1`},
		{"long socket", "server { listen unix:/tmp/" + strings.Repeat("x", 104) + "; }", `too long path in the unix domain socket in "unix:/tmp/xxx`},
		{"not a place", "server { location tmp/x {} location tmp/x {} }", `duplicate location "tmp/x" in routes/000.conf:1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := tester(t).Test(t.Context(), shards(c.routes))
			var refused *nginx.Refused
			if !errors.As(err, &refused) {
				t.Fatalf("got %v, want a *Refused", err)
			}
			if t.Log(refused.Refusal()); !strings.HasPrefix(refused.Refusal(), c.want) || strings.Contains(refused.Refusal(), "wharfinger-test") {
				t.Errorf("complaint:\n got %q\nwant %q at its start", refused.Refusal(), c.want)
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
