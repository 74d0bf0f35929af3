package nginx_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/nginx"
)

func templatesOwn(t *testing.T, w *wharf) {
	const routes = `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop}}
	`
	own := func(location string) {
		var err error
		w.templates, err = generator.OwnTemplates(map[string]string{"server.conf.tmpl": `server {
    listen {{ .Proxy.HTTP }};
    server_name {{ quote .Server.Host }};
    location / {
        ` + location + `
    }
}
`})
		if err != nil {
			t.Fatal(err)
		}
	}
	own(`return 200 {{ quote .Server.Host }};`)
	w.serve(t, routes)
	if a := w.get(t, "http://shop.example/"); a.Status != 200 || a.Body != "shop.example" {
		t.Errorf("got %d and %q, want what the operator's own template answers", a.Status, a.Body)
	}
	if got := w.saw(t, "shop", 0); len(got) != 0 {
		t.Errorf("the peer saw %+v, but nothing leads there", got)
	}

	// It may have no more than any other file.
	own(`alias /run/secrets/;`)
	err := nginx.Tester{Path: w.program}.Test(t.Context(), w.rollout(t, routes).Shards)
	var refused *nginx.Refused
	if !errors.As(err, &refused) || !refused.Unasked || !strings.HasPrefix(refused.Complaint, `"alias" is not allowed in location in routes/`) {
		t.Errorf("a template with alias: got %v, want it refused", err)
	}
}
