package generator_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/route/editor"
)

// wider are texts that a schema takes for some grammars and the parser does not,
// besides what is beyond a schema in all of them.
var wider = map[string]*regexp.Regexp{
	"image":         regexp.MustCompile(`^.{238,}$`),    // Docker puts its own name in front, and then counts
	"address":       regexp.MustCompile(`^\[`),          // of IPv6 it knows the characters
	"cidr":          regexp.MustCompile(`:.*:`),         // the same
	"drain":         regexp.MustCompile(`[a-z][0-9]`),   // it does not add
	"grace":         regexp.MustCompile(`[a-z][0-9]`),   // the same
	"seconds":       regexp.MustCompile(`[a-z][0-9]`),   // the same
	"duration":      regexp.MustCompile(`[a-z][0-9]`),   // the same
	"long duration": regexp.MustCompile(`[a-z][0-9]`),   // the same
	"match":         regexp.MustCompile(`[^\x00-\x7f]`), // it counts characters, not bytes
	"body":          regexp.MustCompile(`[^\x00-\x7f]`), // the same
	"label value":   regexp.MustCompile(`[^\x00-\x7f]`), // the same
	"http snippet":  regexp.MustCompile(`[^\x00-\x7f]`), // the same

	"location snippet": regexp.MustCompile(`[^\x00-\x7f]`),   // the same
	"target":           regexp.MustCompile(`://[^/:]{254,}`), // it does not count a part
	"origin":           regexp.MustCompile(`://[^/:]{254,}`), // the same
}

// unquoted is text that YAML has types for.
type unquoted string

// odd is what people write where a value of another type is meant, or where a
// number is written in an odd way.
var odd = []unquoted{
	"0", "1", "2", "8", "80", "080", "+80", "-1", "100", "101", "199", "200", "204", "299", "301", "302", "400", "404", "444", "499", "502", "599", "600",
	"1000", "1001", "10000", "10001", "65535", "65536", "1000000", "1000001", "99999999999999999999", "0x50", "0o17", "1_000", "80.0", "80.5", "1e2", ".5", "-.inf", ".nan",
	"1.30", "1.3", "1.22", "1.21", "2.0", "1.030", "1.30.6", "1.21.6", "true", "false", "True", "yes", "no", "on", "off", "none", "null", "~", "''", "2001-01-01", "12:30",
	"[]", "[a]", "[[1]]", "{}", "{a: b}", "{on: true}", "!!str 80", "!!int '80'", "!x a", "80/tcp", "53/udp",
}

// telling are texts at the borders of what grammars take.
var telling = []string{
	"", "a", "A", "-", "a-", "a.b", "a..b", "a_b", "_", "__", "*", "*.", "*.a.b", "a.*", "EXAMPLE.org", "xn--bcher-kva.example", "a:80",
	strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a", 65), strings.Repeat("a.", 126) + "a", strings.Repeat("a.", 127) + "a",
	"1m30s", "0s", "999ms", "1000ms", "1500ms", "90m", "1h", "3601s", "24h", "1d", "86401s", "3650d", "3651d", "0000000001s", "9999999999ms", "1s1ms", "1 s", "1.5s", "1h1s", "24h1s", "3650d1s",
	"10m", "1k", "0k", "1023k", "1024k", "1048575", "1048576", "16g", "17g", "1024g", "1025g", "1099511627776", "1099511627777", "001k", "10M",
	"10/s", "90/m", "0/s", "999999/s", "1000000/s", "01/s", "1/h",
	"0080", "65535", "65536", "+80", "53/udp", "53/sctp", "065536/tcp",
	"/", "/a", "/a/", "/a//b", "/./a", "/a/..", "/...", "/..a", "/.a/b", "/%41", "/a b", "= /x", "=/x", "= x", "/.route", "/.route/x", "/.routes", "= /.route/", "//x", "/é",
	"~ ^/x$", "~*^/x$", "~", "~* ", "~ (", `~ \Qx`, "^(a|b)$", "[[:alpha:]]", "[[.a.]]", "(?<a>x)", "(?i)a", "/" + strings.Repeat("a", 1023), "/" + strings.Repeat("a", 1024),
	"/x/$1", "/x/$0", "/x/$", "/$1/$9", "/new?a=b", strings.Repeat("x", 1000), strings.Repeat("x", 1001), strings.Repeat("x", 2001), strings.Repeat("é", 600), strings.Repeat("é", 40000), "https://" + strings.Repeat("a.", 127) + "a",
	"header:X-A", "header:", "cookie:a.b", "query:a b", "client", "client:x", "uri",
	"https://a.example", "http://a.example:80/x?y=z", "https://_", "https://_/x", "http://a:0", "http://a:65536", "https://*.a.example", "https://*", "ftp://a", "HTTPS://a.example", "https://a.example/", "https://a:+80",
	"GET", "get", "X-Frame-Options", "x_y", "$host", "${host}", "$hosts", "$host$scheme", "$host-$scheme", "$$", "a;b", "text/html", "text/html; charset=utf-8", "text/*",
	"10.0.0.5:8080", "10.0.0.5", "10.0.0.256:80", "010.0.0.5:80", "0.0.0.0:80", "224.0.0.1:80", "[fd00::5]:80", "[::]:80", "[ff02::1]:80", "[fd00::5%eth0]:80", "[fd00:::5]:80", "[::ffff:10.0.0.5]:80",
	"10.0.0.0/8", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/08", "fd00::/8", "fd00::1/8", "::", "::ffff:10.0.0.1", "fd00:::1", "::/129",
	"node.role==manager", "node.role == manager", "node.role\v==\vmanager", "node.role=manager", "engine.labels.a!=b", "node.labels.==b",
	"nginx", "nginx:latest", "nginx:1.30-alpine", "nginx:1.21", "nginx:1.30.06", "nginx:1.30.", "Nginx:1.30", "a.b:5000/nginx:1.30", "docker.io/library/nginx:1.30@sha256:" + strings.Repeat("0a", 32), strings.Repeat("0a", 32), "a_b/nginx:1.30", "A/nginx:1.30", "a/" + strings.Repeat("n", 260),
	"1.30", "1.30.6", "1.22", "1.21", "01.30", "2.0", "1.030", "10000.1", "error", "403", "402", "intermediate", "host", "none", "Host", "TE", "te", "Location", "Server",
}

// TestSchemaOfEveryField tries values in every field of the format: what the parser
// takes, an editor does not mark, and what the parser refuses an editor marks, as far
// as a schema can know. The first field of a grammar is tried with all values, the
// others, which have the same schema, with some.
func TestSchemaOfEveryField(t *testing.T) {
	var tried, refused, beyond atomic.Int64
	fields := leaves(t)
	known := map[string]bool{}
	var used sync.Map
	t.Run("field", func(t *testing.T) {
		for i, l := range fields {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			values := l.values(random, !known[l.is])
			known[l.is] = true
			around := l.small
			if l.is == "image" {
				around = l.whole // where an image need not tell which nginx is in it
			}
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				for _, value := range values {
					tried.Add(1)
					rev := route.Revision{Files: []route.File{{Path: "a.yaml", Data: around.with(value)}}}
					_, problems := route.Parse(rev, route.Snippets)
					unfounded, unmarked := editor.Compare(rev, problems)
					for _, m := range unfounded {
						t.Errorf("%.80q: the schema refuses what the parser takes: %.300s", value, m)
					}
					for _, p := range unmarked {
						beyond.Add(1)
						if wide := wider[l.is]; wide != nil && wide.MatchString(fmt.Sprint(value)) {
							used.Store(l.is, true)
						} else if editor.Beyond(p) == nil {
							t.Errorf("%.80q: the schema takes it, but the parser says %.300s", value, p)
						}
					}
					if len(problems) > len(unmarked) {
						refused.Add(1)
					}
				}
			})
		}
	})
	for is := range wider {
		if _, ok := used.Load(is); !ok {
			t.Errorf("the schema of %q is not wider than the parser", is)
		}
	}
	t.Logf("%d fields, %d values: an editor marks %d of them, and %d problems are beyond a schema", len(fields), tried.Load(), refused.Load(), beyond.Load())
}

// values are those that a field is tried with.
func (l leaf) values(random *rand.Rand, all bool) []any {
	var out []any
	for _, value := range odd {
		out = append(out, value)
	}
	ordinary := fmt.Sprint(l.harmless)
	half := len(ordinary) / 2
	texts := slices.Clone(telling)
	for _, evil := range hostile {
		texts = append(texts, evil, ordinary[:half]+evil+ordinary[half:])
	}
	for range 100 {
		texts = append(texts, changed(ordinary, random))
	}
	for _, text := range texts {
		if all || random.IntN(8) == 0 {
			out = append(out, text)
		}
	}
	return out
}

// changed is a text with some characters put in, taken out, put in place of others
// or written many times.
func changed(text string, random *rand.Rand) string {
	alphabet := []rune("azAZ059 .-_/:*~=$%^()[]{}+,;@\"'\\<>?!&#|\n\t\v\x7fé")
	runes := []rune(text)
	for range 1 + random.IntN(3) {
		at := random.IntN(len(runes) + 1)
		in := []rune{alphabet[random.IntN(len(alphabet))]}
		out := min(random.IntN(2), len(runes)-at)
		switch random.IntN(8) {
		case 0:
			in = slices.Repeat(in, random.IntN(70))
		case 1, 2:
			in = nil
		}
		runes = slices.Replace(runes, at, at+out, in...)
	}
	return string(runes)
}
