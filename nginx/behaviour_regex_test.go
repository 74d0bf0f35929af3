package nginx_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
)

// regexPieces is what random regular expressions are made of: all that means
// something to Go or to PCRE2, and what does not.
var regexPieces = strings.Fields(`a b z 0 7 - ^ $ . * + ? *? +? ?? | ( ) (?: (?i) (?s: (?-i: (?U) (?m) (?P<n> (?<n> (?= (?! (?> (?# (*UTF)
	[ [^ ] []a] [^]a] [a-z] [a-] [-a] [[:alpha:]] [[:^word:]] [: :] [[:foo:]] [[.a.]] [=
	\d \D \w \W \s \S \b \B \A \z \Z \a \f \n \r \t \v \e \h \R \K \G \X \N \C \Q \E \pL \PL \x41 \x{41} \0 \1 \12 \123 \8 \. \- \] \[ \\ \{ \} \_ \/ \"
	{ } {2} {2,} {2,3} {,3} {0} {0,0} {1000} {1001} {3,2} {a} {,} # ; " ' = ! < > & % ~`)

// TestRegularExpressions makes regular expressions at random. Those that a route
// may have compile in nginx.
func TestRegularExpressions(t *testing.T) {
	for _, version := range []string{"1.30", "1.22"} {
		t.Run(version, func(t *testing.T) {
			random := rand.New(rand.NewPCG(5, 3))
			taken, tried := 0, 0
			for range 20 {
				var list []string
				for len(list) < 100 {
					var b strings.Builder
					for range 1 + random.IntN(8) {
						b.WriteString(regexPieces[random.IntN(len(regexPieces))])
					}
					tried++
					if mayBe(b.String()) {
						list = append(list, b.String())
					}
				}
				taken += len(list)
				compileAll(t, version, list)
			}
			t.Logf("%d of %d were let through", taken, tried)
		})
	}
}

// TestLargestRegularExpressions tries those that are as deep and as large as may
// be.
func TestLargestRegularExpressions(t *testing.T) {
	var list []string
	for _, s := range []string{
		strings.Repeat("(", 100) + "a" + strings.Repeat(")", 100), strings.Repeat("(?:", 100) + "a" + strings.Repeat(")*", 100),
		"(?:[a-z][0-9]){300}", "(?:abcdefgh){1000}", "(?:(?:(?:a{10}){10}){10})", "(?:a|b|c|d|e|f){300}", strings.Repeat("[a-z]", 200),
		strings.Repeat("()", 500), strings.Repeat("a?", 500), "(?:(a)(b)(c)){100}",
	} {
		if mayBe(s) {
			list = append(list, s)
		} else {
			t.Errorf("%.60q is refused", s)
		}
	}
	compileAll(t, "1.30", list)
	compileAll(t, "1.22", list)
}

func mayBe(regex string) bool {
	file := fmt.Sprintf("proxies: {edge: {image: nginx:1.30}}\npools: {a: {servers: [192.0.2.1:80]}}\nroutes: {a: {hosts: [a.example], pool: a, rewrite: {regex: %q, to: /}}}\n", regex)
	_, problems := route.Parse(route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(file)}}})
	return problems == nil
}

func compileAll(t *testing.T, version string, list []string) {
	t.Helper()
	for len(list) > 0 {
		var b strings.Builder
		b.WriteString("map_hash_bucket_size 128;\nmap $uri $x {\n")
		for _, regex := range list {
			fmt.Fprintf(&b, "\"~%s\" 1;\n", strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(regex))
		}
		b.WriteString("}\n")
		err := testerOf(t, version).Test(t.Context(), shards(b.String()))
		if err == nil {
			return
		}
		refused, ok := errors.AsType[*nginx.Refused](err)
		if !ok || refused.About[0].Line < 3 || refused.About[0].Line-3 >= len(list) {
			t.Fatal(err)
		}
		at := refused.About[0].Line - 3
		t.Errorf("%.100q: %v", list[at], err)
		list = append(list[:at:at], list[at+1:]...)
	}
}
