package route_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/route"
)

// TestBadInputCrowds holds what is told where more stands at one host than a file
// can hold, and more in a repository than is worth reading.
func TestBadInputCrowds(t *testing.T) {
	var hosts strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&hosts, "h%d.a%%[1]d.example, ", i)
	}
	for _, c := range []struct {
		line  string
		n     int
		first string // problem
	}{
		{"  r%[1]d: {hosts: [a.example], paths: [/p%[1]d], pool: a}\n", 2000, ""},
		{"  r%[1]d: {hosts: [a.example], when: {headers: {A: \"%[1]d\"}}, pool: a}\n", 100, ""},
		{"  r%[1]d: {hosts: [a%[1]d.example], paths: [\"~ ^/x%[1]d$\"], pool: a}\n", 2000, ""},
		{"  r%[1]d: {hosts: [a.example], paths: [/p%[1]d, \"~ ^/x%[1]d$\"], pool: a}\n", 140, "a.yaml:103:17: host a.example has too many paths and conditions for one file of nginx (spread its routes over more hosts)"},
		{"  r%[1]d: {hosts: [a.example], paths: [/p%[1]d], when: {headers: {A: b}}, pool: a}\n", 2000, "a.yaml:103:17: host a.example has too many paths and conditions for one file of nginx (spread its routes over more hosts)"},
		{"  r%[1]d: {hosts: [" + hosts.String() + "], passthrough: true, pool: a}\n", 201, "a.yaml:204:3: up to route r200 there are more than 200000 hosts and paths (make several repositories of this one, for proxies of their own)"},
	} {
		var b strings.Builder
		b.WriteString(someRoutes)
		for i := range c.n {
			fmt.Fprintf(&b, c.line, i)
		}
		desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(b.String())}}})
		if (desired == nil) != (c.first != "") {
			t.Errorf("%.100s: got %v, want %s", c.line, problems, c.first)
		}
		found := c.first == ""
		for _, p := range problems {
			found = found || p.String() == c.first
		}
		if !found {
			t.Errorf("%.100s: got %.200v\nwant %s", c.line, problems, c.first)
		}
	}
}
