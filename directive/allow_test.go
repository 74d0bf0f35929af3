package directive_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/directive"
	"github.com/wharfinger/wharfinger/golden"
	"github.com/wharfinger/wharfinger/lab"
)

// TestRefused tries what somebody might want of a text that they may write
// freely: files of the container, code, other hosts, and the way out of a block.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		in         directive.Block
		text, want string
	}{
		// Code.
		{directive.Main, `load_module modules/evil.so;`, `"load_module" is not allowed`},
		{directive.Main, `ssl_engine evil;`, `"ssl_engine" is not allowed`},
		{directive.Location, `perl_modules /tmp;`, `"perl_modules" is not allowed`},
		{directive.Location, `js_import /tmp/x.js;`, `"js_import" is not allowed`},
		{directive.Location, `content_by_lua_block { os.execute("x") }`, `"content_by_lua_block" is not allowed`},
		{directive.Location, `ssi on;`, `"ssi" is not allowed`},
		{directive.Location, `"load_module" x;`, `"load_module" is not allowed`},
		{directive.Location, `'load_module' x;`, `"load_module" is not allowed`},

		// Files.
		{directive.Location, `include /etc/passwd;`, `"/etc/passwd" must not be included here`},
		{directive.Location, `include routes/*.conf;`, `"routes/*.conf" must not be included here`},
		{directive.HTTP, `map $uri $x { include /run/secrets/key; }`, `"/run/secrets/key" must not be included here`},
		{directive.HTTP, `map $uri $x { 'include' /run/secrets/key; }`, `"/run/secrets/key" must not be included here`},
		{directive.HTTP, `geo $x { include /run/secrets/key; }`, `"/run/secrets/key" must not be included here`},
		{directive.HTTP, `types { include /run/secrets/key; }`, `"/run/secrets/key" must not be included here`},
		{directive.Location, `root /run/secrets;`, `root: files must not be served from "/run/secrets"`},
		{directive.Location, `root /dev/null/..;`, `root: files must not be served from "/dev/null/.."`},
		{directive.Location, `alias /run/secrets/;`, `"alias" is not allowed`},
		{directive.Location, `autoindex on;`, `"autoindex" is not allowed`},
		{directive.Location, `dav_methods PUT;`, `"dav_methods" is not allowed`},
		{directive.Location, `proxy_store on;`, `"proxy_store" is not allowed`},
		{directive.Location, `access_log /etc/cron.d/x;`, `access_log: a log must not go to "/etc/cron.d/x"`},
		{directive.Location, `access_log syslog:server=192.0.2.1;`, `access_log: a log must not go to "syslog:server=192.0.2.1"`},
		{directive.Location, `access_log /tmp/$host;`, `access_log: a log must not go to "/tmp/$host"`},
		{directive.Main, `error_log /etc/cron.d/x;`, `error_log: a log must not go to "/etc/cron.d/x"`},
		{directive.Location, `client_body_temp_path /etc/x;`, `client_body_temp_path: files must not be written to "/etc/x"`},
		{directive.HTTP, `proxy_cache_path /tmp/../etc keys_zone=a:1m;`, `proxy_cache_path: files must not be written to "/tmp/../etc"`},
		{directive.HTTP, `proxy_cache_path /tmp/ keys_zone=a:1m;`, `proxy_cache_path: files must not be written to "/tmp/"`},
		{directive.HTTP, `ssl_certificate /etc/shadow;`, `ssl_certificate: a file must not be read from "/etc/shadow"`},
		{directive.Location, `ssl_certificate_key data:$http_x;`, `ssl_certificate_key: a file must not be read from "data:$http_x"`},
		{directive.Location, `ssl_certificate_key engine:evil:x;`, `ssl_certificate_key: a file must not be read from "engine:evil:x"`},
		{directive.Location, `ssl_certificate_key /run/secrets/$ssl_server_name;`, `ssl_certificate_key: a file must not be read from "/run/secrets/$ssl_server_name"`},
		{directive.Location, `auth_basic_user_file /run/secrets/../../etc/shadow;`, `auth_basic_user_file: a file must not be read from "/run/secrets/../../etc/shadow"`},
		{directive.Location, `ssl_conf_command Certificate /etc/shadow;`, `ssl_conf_command: the OpenSSL command "Certificate" is not allowed`},
		{directive.Location, `if (-f $arg_file) { return 200; }`, `if: if must not look for files`},
		{directive.Location, `if ( !-e $arg_file ) { return 200; }`, `if: if must not look for files`},
		{directive.Location, `proxy_ssl_key_log /tmp/x;`, `"proxy_ssl_key_log" is not allowed`},

		// Other hosts, and other protocols.
		{directive.Location, `proxy_pass http://unix:/var/run/docker.sock:/;`, `proxy_pass: the socket "unix:/var/run/docker.sock:/" is out of bounds`},
		{directive.Location, `proxy_pass http://UNIX:/tmp/../run/docker.sock:/;`, `proxy_pass: the socket "UNIX:/tmp/../run/docker.sock:/" is out of bounds`},
		{directive.Location, `proxy_pass http://$http_host;`, ``}, // known once all files are
		{directive.Location, `proxy_pass $scheme://$host$request_uri;`, `proxy_pass: what leads to "$scheme://$host$request_uri" is not fixed`},
		{directive.Location, `proxy_pass http://shop$uri;`, `proxy_pass: what leads to "http://shop$uri" is not fixed`},
		{directive.Location, `proxy_pass http://shop$request_urix;`, `proxy_pass: what leads to "http://shop$request_urix" is not fixed`},
		{directive.Location, `proxy_pass http://10.0.0.$1;`, `proxy_pass: what leads to "http://10.0.0.$1" is not fixed`},
		{directive.Location, `proxy_pass ftp://a;`, `proxy_pass: "ftp://a" is no URL`},
		{directive.Location, `grpc_pass $arg_to;`, ``}, // so
		{directive.Location, `fastcgi_pass 127.0.0.1:9000;`, `"fastcgi_pass" is not allowed`},
		{directive.Location, `memcached_pass 127.0.0.1:11211;`, `"memcached_pass" is not allowed`},
		{directive.HTTP, `upstream a { server unix:/run/docker.sock; }`, `server: the socket "unix:/run/docker.sock" is out of bounds`},
		{directive.HTTP, `server { listen unix:/run/x.sock; }`, `listen: the socket "unix:/run/x.sock" is out of bounds`},
		{directive.Stream, `server { proxy_pass $ssl_preread_server_name:443x; }`, `proxy_pass: what leads to "$ssl_preread_server_name:443x" is not fixed`},
		{directive.Stream, `server { proxy_pass unix:/run/docker.sock; }`, `proxy_pass: the socket "unix:/run/docker.sock" is out of bounds`},
		{directive.Stream, `js_access x;`, `"js_access" is not allowed`},

		// The way out of the block, and the way to what stands behind it.
		{directive.Location, `} load_module x;`, `"}" closes a block that was not opened here`},
		{directive.Location, `return 200; } server { listen 81;`, `"}" closes a block that was not opened here`},
		{directive.Location, `if ($x) { return 200; } }`, `"}" closes a block that was not opened here`},
		{directive.Location, `if ($x) { return 200;`, `the block of if is not closed`},
		{directive.Location, `add_header X y`, `unexpected end, expecting ";" or "{"`},
		{directive.Location, `add_header X "y;`, `the quote " is not closed`},
		{directive.Location, `add_header X y;'`, `the quote ' is not closed`},
		{directive.Location, `add_header X y;\`, `unexpected end, expecting ";" or "{"`},
		{directive.Location, `;`, `unexpected ";"`},
		{directive.Location, `{`, `unexpected "{"`},
		{directive.Location, `add_header X "y"z;`, `unexpected "z"`},
		{directive.Location, `add_header X "y" }`, `unexpected "}"`},
		{directive.Location, "add_header X y\x00;", `unexpected NUL`},
		{directive.Location, "add_header X \"y\\\x00\";", `unexpected NUL`},
		// nginx 1.22's entries know no blocks: the first brace would end the map.
		{directive.HTTP, `map $a $b { x y { z w; } } server {}`, `a block inside map`},
		{directive.Location, `return 200 { }`, `"return" must not end with '{'`},
		{directive.Location, `location /a;`, `"location" must not end with ';'`},
		// Elsewhere.
		{directive.Location, `limit_req_zone $host zone=a:1m rate=1r/s;`, `"limit_req_zone" has no place in location`},
		{directive.Location, `if ($x) { listen 80; }`, `"listen" has no place in if`},
		{directive.HTTP, `return 200;`, `"return" has no place in http`},
		{directive.HTTP, `server { proxy_pass http://shop; }`, `"proxy_pass" has no place in server`},
		{directive.Location, `hello { world; }`, `"hello" is not allowed`},
	} {
		var got []string
		for _, complaint := range directive.Check(c.text, c.in) {
			got = append(got, complaint.Text)
			if complaint.Hint == "" || complaint.Line != 1 {
				t.Errorf("%s: %+v has no hint or another line than 1", c.text, complaint)
			}
		}
		if c.want == "" {
			if got != nil {
				t.Errorf("%s: got %q, want no complaint", c.text, got)
			}
			continue
		}
		if !slices.ContainsFunc(got, func(text string) bool { return strings.HasPrefix(text, c.want) }) {
			t.Errorf("%s:\ngot  %q\nwant %q", c.text, got, c.want)
		}
	}
}

// TestAllowed tries what people want and may have.
func TestAllowed(t *testing.T) {
	for block, texts := range map[directive.Block][]string{
		directive.Location: {
			``, `# a comment at the end`, "\n\n", "add_header X-Frame-Options DENY always; # why\n# more",
			`limit_req zone=a burst=10 nodelay;`, `if ($request_method !~ ^(GET|HEAD)$) { return 405; }`,
			`return 200 "{\"a\": \"${host}\"};\n";`, `if ($http_user_agent ~ "a{2,3}") { return 403; }`,
			`rewrite "^/a/(.{3})$" /b/$1 break;`, `add_header Content-Security-Policy "default-src 'self'; img-src *";`,
			`proxy_pass http://shop;`, `proxy_pass https://10.0.0.5:8443/v2/;`, `proxy_pass http://shop/$1$is_args$args;`,
			`proxy_pass http://shop$request_uri;`, `proxy_pass http://shop${request_uri};`, `proxy_pass http://unix:/tmp/a.sock:/;`,
			`grpc_pass grpcs://shop;`, `grpc_pass shop;`, `location = /auth { internal; proxy_pass http://auth/; }`,
			`auth_request /auth; satisfy any; auth_basic x; auth_basic_user_file /run/secrets/users;`,
			`proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt; proxy_ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;`,
			`access_log off; access_log /dev/stdout main if=$x; access_log /dev/fd/1; error_log stderr info;`,
			`try_files $uri @shop; error_page 502 = @shop; root /dev/null;`,
			`sub_filter 'a' "b"; expires 1d; mirror /m; limit_except GET { deny all; }`,
		},
		directive.HTTP: {
			`limit_req_zone $binary_remote_addr zone=a:10m rate=5r/s;`, `proxy_cache_path /tmp/cache keys_zone=a:1m;`,
			`map $a $b { hostnames; default 0; *.example.org 1; "~^x{2}$" "{"; }`, `geo $x { default 0; 10.0.0.0/8 1; }`,
			`server { listen 81; listen unix:/tmp/a.sock; location / { return 200; } }`,
			`upstream a { zone a 64k; server 10.0.0.1:80; keepalive 8; }`,
		},
	} {
		for _, text := range texts {
			if got := directive.Check(text, block); got != nil {
				t.Errorf("%s: got %+v, want no complaint", text, got)
			}
		}
	}
}

func file(path, text string) directive.File { return directive.File{Path: path, Data: []byte(text)} }

const rooted = "events {}\nhttp {\n  root /dev/null;\n  include routes/*.conf;\n  include status.conf;\n}\nstream {\n  include streams/*.conf;\n}\n"

// TestFiles tries what is only known when all files are.
func TestFiles(t *testing.T) {
	for _, c := range []struct{ name, main, routes, streams, want string }{
		{"nothing wrong", rooted, "upstream a { server 10.0.0.1:80; }\nserver { location / { proxy_pass http://a; } }", "server { listen 5432; proxy_pass 10.0.0.1:5432; }", ""},
		{"no root", "events {}\nhttp { include routes/*.conf; }", "", "", "nginx.conf:2: http has no root, so that files could be served"},
		{"a root elsewhere", "events {}\nhttp { server { root /dev/null; } include routes/*.conf; }", "", "", "nginx.conf:2: http has no root, so that files could be served"},
		{"a file that nothing includes", "events {}\nhttp { root /dev/null; }", "# ", "", "routes/000.conf:1: nothing includes this file"},
		{"an include outside http", "include routes/*.conf;\nevents {}", "", "", `nginx.conf:1: "include" is not allowed`},
		{"an include of another file", "events {}\nhttp { root /dev/null;\ninclude /etc/passwd; include routes/*.conf; }", "", "", `nginx.conf:3: "/etc/passwd" must not be included here`},
		{"an include too deep", "events {}\nhttp { root /dev/null; include routes/*.conf;\nserver { include routes/*.conf; } }", "", "", `nginx.conf:3: "routes/*.conf" must not be included here`},
		{"an include from there", rooted, "\ninclude routes/*.conf;", "", `routes/000.conf:2: "routes/*.conf" must not be included here`},
		{"a file that leaves its block", rooted, "server {} }\nload_module x;", "", `routes/000.conf:1: "}" closes a block that was not opened here`},
		{"the wrong language", rooted, "", "server { location / {} }", `streams/000.conf:1: "location" is not allowed in server`},

		{"a split", rooted, "split_clients $remote_addr $to { 10% a; * b; }\nserver { location / { proxy_pass http://$to; } }", "", ""},
		{"a split that is defined later", rooted, "server { location / { proxy_pass https://${to}:8080/x$1; } }\nsplit_clients $remote_addr $to { 10% a; * b; }", "", ""},
		{"whole URLs", rooted, "map $host $to { default http://a; b https://b/; }\nserver { location / { proxy_pass $to; } }", "", ""},
		{"hosts by SNI", rooted, "", "map $ssl_preread_server_name $to { default a; b b:443; }\nserver { ssl_preread on; proxy_pass $to; }", ""},
		{"what a client says", rooted, "server {\nlocation / { proxy_pass http://$http_host; } }", "", "routes/000.conf:2: the values of $http_host are not fixed, but it leads to a host"},
		{"a client's host by SNI", rooted, "", "server { ssl_preread on;\nproxy_pass $ssl_preread_server_name:443; }", "streams/000.conf:2: the values of $ssl_preread_server_name are not fixed, but it leads to a host"},
		{"a client's word in a map", rooted, "map $host $to { default $http_host; }\nserver { location / { proxy_pass http://$to; } }", "", "routes/000.conf:2: the values of $to are not fixed, but it leads to a host"},
		{"a client's word by a capture", rooted, "map $host $to { default a; }\nserver { location ~ ^/(?<to>.*) { proxy_pass http://$to; } }", "", "routes/000.conf:2: the values of $to are not fixed, but it leads to a host"},
		{"another capture", rooted, "map $host $to { default a; }\nserver { if ($uri ~ \"(?P<to>.*)\") { set $x 1; } location / { proxy_pass http://$to; } }", "", "routes/000.conf:2: the values of $to are not fixed, but it leads to a host"},
		{"a third capture", rooted, "map $host $to { default a; }\nserver { rewrite \"(?'to'.*)\" /; location / { proxy_pass http://$to; } }", "", "routes/000.conf:2: the values of $to are not fixed, but it leads to a host"},
		{"a client's word by set", rooted, "map $host $to { default a; }\nserver { set $to $arg_to; location / { proxy_pass http://$to; } }", "", "routes/000.conf:2: the values of $to are not fixed, but it leads to a host"},
		{"a client's word by set, in capitals", rooted, "map $host $to { default a; }\nserver { set $TO $arg_to; location / { proxy_pass http://$to; } }", "", "routes/000.conf:2: the values of $to are not fixed, but it leads to a host"},
		{"a client's word in a map, in capitals", rooted, "map $host $to { default a; }\nmap $host $To { default $arg_to; }\nserver { location / { proxy_pass http://$tO; } }", "", "routes/000.conf:3: the values of $to are not fixed, but it leads to a host"},
		{"a capture, in capitals", rooted, "map $host $to { default a; }\nserver { location ~ ^/(?<TO>.*) { proxy_pass http://$to; } }", "", "routes/000.conf:2: the values of $to are not fixed, but it leads to a host"},
		{"a peer's word", rooted, "map $host $to { default a; }\nserver { auth_request_set $to $upstream_http_to; location / { proxy_pass http://$to; } }", "", "routes/000.conf:2: the values of $to are not fixed, but it leads to a host"},
		{"a variable of another kind", rooted, "server { location / { proxy_pass http://$http_host; } }", "map $ssl_preread_server_name $http_host { default a; }",
			"routes/000.conf:1: the values of $http_host are not fixed, but it leads to a host"},
		{"a socket in a map", rooted, "map $host $to { default unix:/run/docker.sock; }\nserver { location / { proxy_pass http://$to; } }", "", `routes/000.conf:2: $to: the socket "unix:/run/docker.sock" is out of bounds`},
		{"a socket's URL in a map", rooted, "map $host $to { default http://unix:/run/docker.sock:/; }\nserver { location / { proxy_pass $to; } }", "", `routes/000.conf:2: $to: the socket "unix:/run/docker.sock:/" is out of bounds`},
		{"another protocol in a map", rooted, "map $host $to { default ftp://a; }\nserver { location / { proxy_pass $to; } }", "", `routes/000.conf:2: $to: "ftp://a" is no URL`},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := []directive.File{file("nginx.conf", c.main)}
			for path, text := range map[string]string{"routes/000.conf": c.routes, "streams/000.conf": c.streams} {
				if text != "" {
					files = append(files, file(path, text))
				}
			}
			got := ""
			if complaints := directive.CheckFiles(files); len(complaints) > 0 {
				got = fmt.Sprintf("%s:%d: %s", complaints[0].File, complaints[0].Line, complaints[0].Text)
			}
			if got != c.want {
				t.Errorf("\ngot  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestComplaintsEnd(t *testing.T) {
	got := directive.CheckFiles([]directive.File{file("nginx.conf", strings.Repeat("hello;\n", 1000))})
	if len(got) != 8 || got[7].Line != 8 {
		t.Errorf("got %d complaints, the last %+v; want 8, the last of line 8", len(got), got[len(got)-1])
	}
}

// TestExamplesAreAllowed holds that the list lets through all that our own
// templates write.
func TestExamplesAreAllowed(t *testing.T) {
	proxies := 0
	for _, example := range golden.Examples(t, "", "live.json") {
		entries, err := os.ReadDir(filepath.Join("../golden", example))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				continue
			}
			var files []directive.File
			prefix := example + "/" + e.Name() + "/"
			for _, name := range golden.Names(t, prefix) {
				path := strings.TrimPrefix(name, prefix)
				if path == "rollout" {
					continue
				}
				data, err := os.ReadFile(filepath.Join("../golden", name+".golden"))
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, directive.File{Path: path, Data: data})
			}
			for _, complaint := range directive.CheckFiles(files) {
				t.Errorf("%s%s:%d: %s (%s)", prefix, complaint.File, complaint.Line, complaint.Text, complaint.Hint)
			}
			proxies++
		}
	}
	if proxies < 5 {
		t.Errorf("looked at %d proxies, want at least 5", proxies)
	}
}

// TestNginxAgrees asks nginx of each name of the list whether it knows it, so
// that none of them is a slip, and in which blocks of http it takes it.
func TestNginxAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("the lab's nginx is fetched as root")
	}
	program, err := lab.Nginx(t.Context(), "1.30")
	if err != nil {
		t.Fatal(err)
	}
	for block, before := range map[directive.Block]string{
		directive.Main: "", directive.Events: "events {", directive.HTTP: "events {} http {",
		directive.Server: "events {} http { server {", directive.Location: "events {} http { server { location / {",
		directive.Upstream: "events {} http { upstream a {", directive.Stream: "events {} stream {",
	} {
		names := directive.Names(block)
		if block == directive.Server || block == directive.Location {
			names = directive.Names(directive.HTTP)
		}
		if len(names) < 5 {
			t.Errorf("%s has %d names", block, len(names))
		}
		dir := t.TempDir()
		for _, name := range append(names, "hello") {
			path := filepath.Join(dir, "nginx.conf")
			if err := os.WriteFile(path, []byte(before+" "+name+";"), 0o644); err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			cmd := exec.CommandContext(t.Context(), program, "-t", "-q", "-e", "stderr", "-p", dir, "-c", path, "-g", "pid "+dir+"/pid;")
			cmd.Stderr = &stderr
			cmd.Run()
			if unknown := strings.Contains(stderr.String(), "unknown directive"); unknown != (name == "hello") {
				t.Errorf("%s, %s: nginx says %s", block, name, stderr.String())
			}
			if block == directive.Stream || block == directive.Upstream {
				continue // an upstream of http has what one of stream has not; nginx tells
			}
			complaints := directive.Check(name+";", block)
			ours := slices.ContainsFunc(complaints, func(c directive.Complaint) bool { return strings.Contains(c.Text, "has no place in") })
			if theirs := strings.Contains(stderr.String(), "is not allowed here"); theirs != ours {
				t.Errorf("%s, %s: it has no place there: we say %t; nginx says %s", block, name, ours, stderr.String())
			}
		}
	}
}

// TestBadInputOfFiles holds the words for what is only known when all files are,
// as they stand in a refusal.
func TestBadInputOfFiles(t *testing.T) {
	want := []string{
		"nginx.conf:2: http has no root, so that files could be served (add root /dev/null; to it)",
		"routes/000.conf:2: the values of $http_host are not fixed, but it leads to a host (name a pool or an address, or one variable whose values a map or split_clients lists)",
		"streams/000.conf:1: nothing includes this file (include it in nginx.conf, or leave it out)",
	}
	var got []string
	for _, c := range directive.CheckFiles([]directive.File{
		file("nginx.conf", "events {}\nhttp {\n  include routes/*.conf;\n}"),
		file("routes/000.conf", "server {\nlocation / { proxy_pass http://$http_host; } }"),
		file("streams/000.conf", "server {}"),
	}) {
		got = append(got, fmt.Sprintf("%s:%d: %s (%s)", c.File, c.Line, c.Text, c.Hint))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
