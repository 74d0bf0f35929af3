package generator_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/templates"
)

func TestOwnTemplates(t *testing.T) {
	p := generator.Proxy{Name: "edge", HTTP: 80, Servers: []generator.Server{{Host: "demo.local", Locations: []generator.Location{{Path: "/", Answer: &generator.Answer{Route: "demo"}}}}}}
	embedded, err := generator.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	const server = "routes/server.demo.local.conf"
	for _, c := range []struct{ name, text, want string }{
		{"a whole file", "# ours\nserver { server_name {{ quote .Server.Host }}; }\n", "# ours\nserver { server_name \"demo.local\"; }\n"},
		{"a part of it", `{{ define "pass" }} return 418; {{ end }}`,
			strings.Replace(text(t, embedded, server), "\n        return 503; # the pool has no peers", " return 418; ", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			own, err := generator.OwnTemplates(map[string]string{"server.conf.tmpl": c.text})
			if err != nil {
				t.Fatal(err)
			}
			files, err := own.Render(p)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(t, files, server); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if got, want := text(t, files, "nginx.conf"), text(t, embedded, "nginx.conf"); got != want {
				t.Errorf("another file changed as well:\n%s", got)
			}
			if files.Digest == embedded.Digest {
				t.Error("the digest is still that of other files")
			}
		})
	}
	after, err := generator.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	if text(t, after, server) != text(t, embedded, server) {
		t.Error("the program's own templates changed")
	}
}

func TestOwnTemplatesRefused(t *testing.T) {
	names := strings.Join(templates.Names(), ", ")
	for _, c := range []struct{ name, file, text, want string }{
		{"unknown name", "servers.conf.tmpl", "x", "servers.conf.tmpl: there is no template of that name to replace: the names are " + names},
		{"no end", "server.conf.tmpl", "a\n{{ if .Proxy }}\n", "server.conf.tmpl:3: unexpected EOF"},
		{"a function that may not be used", "server.conf.tmpl", "\n{{ env \"HOME\" }}", `server.conf.tmpl:2: function "env" not defined`},
		{"a function whose cost grows", "server.conf.tmpl", "{{ repeat 9 \"x\" }}", `server.conf.tmpl:1: function "repeat" not defined`},
		{"empty", "server.conf.tmpl", " \n", "server.conf.tmpl: the template is empty"},
		{"a comment", "server.conf.tmpl", "{{/* nothing */}}", "server.conf.tmpl: the template is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := generator.OwnTemplates(map[string]string{c.file: c.text}); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
	own, err := generator.OwnTemplates(map[string]string{"upstream.conf.tmpl": "\n\n{{ .Peers.Colour }}"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = own.Render(generator.Proxy{Upstreams: []generator.Upstream{{Name: "shop"}}})
	const want = `render routes/upstream.shop.conf: upstream.conf.tmpl:3:9: executing "upstream.conf.tmpl" at <.Peers.Colour>: can't evaluate field Colour`
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func text(t *testing.T, files generator.Files, path string) string {
	t.Helper()
	for _, f := range files.All {
		if f.Path == path {
			return string(bytes.Clone(f.Data))
		}
	}
	t.Fatalf("there is no file %s", path)
	return ""
}
