package nginx_test

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// odd reads an example of what is legal and odd, without its proxy, and what is
// warned of.
func (w *wharf) odd(t *testing.T, name string) (text string, desired *route.Desired, warnings route.Problems) {
	t.Helper()
	data, err := os.ReadFile("../examples/odd/" + name + "/routes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`(?m)^proxies:.*\n`).ReplaceAllString(string(data), "")
	desired, problems := w.parse(t, text)
	if problems != nil {
		t.Fatal(problems)
	}
	return text, desired, generator.Warnings(desired)
}

var (
	nameOfRoute = regexp.MustCompile(`^  ([a-z0-9-]+):`)
	poolOfRoute = regexp.MustCompile(`\bpool: [ab]\b`)
	unreached   = regexp.MustCompile(`: route (\S+?)(?: at (.+?))?(?: on (\S+))? is never reached`)
)

// orderShadowed asks for everything that tells the routes of an example apart: what
// is said to be never reached never answers, and all else does.
func orderShadowed(t *testing.T, w *wharf) {
	text, desired, warnings := w.odd(t, "shadows")
	name, answering := "", ""
	for line := range strings.Lines(text) {
		if m := nameOfRoute.FindStringSubmatch(line); m != nil {
			name = m[1]
		}
		answering += poolOfRoute.ReplaceAllString(line, fmt.Sprintf("respond: {body: %s}", name))
	}
	w.serve(t, answering)
	answered := map[string]bool{} // by route, and by route, path and host
	for _, host := range []string{"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"} {
		for _, path := range []string{"/", "/v2", "/v3", "/v4", "/v5", "/two", "/second", "/images", "/images/large", "/images/x", "/large",
			"/four", "/both", "/a", "/a/deep", "/a/b", "/b", "/x/a/c", "/api/x", "/else"} {
			for _, options := range [][]option{nil, {withMethod("DELETE")}, {withHeader("X-Team", "red")}, {withHeader("X-Team", "blue")}, {withHeader("Cookie", "beta=1")}} {
				a := w.get(t, "http://"+host+".local"+path, options...)
				if a.Body != "" {
					answered[a.Body], answered[a.Body+" at "+path], answered[a.Body+" on "+host+".local"] = true, true, true
					answered[a.Body+" at "+path+" on "+host+".local"] = true
				}
			}
		}
	}
	whole := 0
	for _, p := range warnings {
		m := unreached.FindStringSubmatch(p.String())
		if m == nil {
			t.Errorf("nothing known of %s", p)
			continue
		}
		what := m[1]
		if m[2] != "" {
			what += " at " + m[2]
		}
		if m[3] != "" {
			what += " on " + m[3]
		}
		if answered[what] {
			t.Errorf("route %s answers, but:\n%s", what, p)
		}
		if what == m[1] {
			whole++
		} else if !answered[m[1]] {
			t.Errorf("route %s answers nowhere, but it is said of some places alone:\n%s", m[1], p)
		}
	}
	for name := range desired.Routes {
		if answered[name] {
			whole++
		}
	}
	if whole != len(desired.Routes) {
		t.Errorf("%d routes answer or are said not to, want all %d", whole, len(desired.Routes))
	}
}

// redirectCircles follows the redirects of an example: those that are said to lead
// back for ever do, and the others arrive.
func redirectCircles(t *testing.T, w *wharf) {
	for _, secret := range []string{"www", "shop"} {
		cert, key := w.cert(t, "example.org", "*.example.org")
		w.secret(secret+".cert", cert)
		w.secret(secret+".key", key)
	}
	text, desired, warnings := w.odd(t, "redirects")
	w.serve(t, text)
	told := 0
	for name, r := range desired.Routes {
		circle := false
		for _, host := range r.Hosts {
			for _, scheme := range []string{"http", "https"} {
				if scheme == "https" && !r.TLS.Cert.Given() {
					continue
				}
				for _, path := range r.Paths {
					circle = circle || w.circles(t, scheme+"://"+host.Value+path.Value.Text)
				}
			}
		}
		said := slices.ContainsFunc(warnings, func(p route.Problem) bool {
			return strings.Contains(p.Text, "redirect of route "+name+" leads back")
		})
		if said != circle {
			t.Errorf("route %s goes round in circles: %t; warned of: %t", name, circle, said)
		}
		if said {
			told++
		}
	}
	if told == 0 || told != len(warnings) {
		t.Errorf("looked at %d circles, want all %d:\n%v", told, len(warnings), warnings)
	}
}

// circles follows redirects, and reports whether there are more than ten. What
// leads to a port of somebody else's has arrived.
func (w *wharf) circles(t *testing.T, target string) bool {
	t.Helper()
	for range 10 {
		a, err := w.try(t, target)
		if err != nil {
			return false
		}
		location := a.Header.Get("Location")
		if location == "" {
			return false
		}
		from, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		to, err := from.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		target = to.String()
	}
	return true
}
