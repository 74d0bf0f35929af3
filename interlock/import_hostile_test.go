package interlock_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wharfinger/wharfinger/interlock"
	"github.com/wharfinger/wharfinger/route"
)

// TestBadInputOfTOML holds what is told of files that are no TOML, and of more than
// anybody writes.
func TestBadInputOfTOML(t *testing.T) {
	for _, c := range []struct{ what, text, want string }{
		{"a value without quotes", "ListenAddr = :8080\n", `interlock.toml:1:14: is not TOML: unexpected character U+003A ':' at start of value (what follows it was not read)`},
		{"a text that does not end", "ListenAddr = \":8080\n[Extensions.default]\n", `interlock.toml:1:20: is not TOML: basic strings cannot have new lines (what follows it was not read)`},
		{"YAML", "proxies:\n  edge: {}\n", `interlock.toml:1:8: is not TOML: expected '=' after key (what follows it was not read)`},
		{"JSON", "[\n    {\n        \"Spec\": {\"Name\": \"com.docker.ucp.interlock.conf-1\", \"Data\": \"TGlzdGVu\"}\n    }\n]\n", `interlock.toml:1:1: this is what docker config inspect says of a config, and not what is in it (add --format '{{ printf "%s" .Spec.Data }}' to it)`},
		{"behind other letters", "Ä = 1\n", `interlock.toml:1:1: is not TOML: invalid character at start of key: U+00C3 'Ã' (what follows it was not read)`},
		{"not UTF-8", "ListenAddr = \"\xff\"\n", `interlock.toml:1:15: is not TOML: invalid UTF-8 character in basic string (what follows it was not read)`},
		{"the end of a file", "ListenAddr", `interlock.toml:1:10: is not TOML: expected '=' after key (what follows it was not read)`},
		{"many tables", strings.Repeat("a.", 20) + "a = 1\n[Extensions.default]\n", `interlock.toml:1:1: a is a table in a table in a table, and so on (Interlock has no keys below 8 tables)`},
		{"many tables in a head", "[a.b.c.d.e.f.g.h.i]\na = 1\n[Extensions.default]\n", `interlock.toml:1:2: a is a table in a table in a table, and so on (Interlock has no keys below 8 tables)`},
		{"tables in braces", "a = " + strings.Repeat("{a = ", 20) + "1" + strings.Repeat("}", 20) + "\n[Extensions.default]\n", `interlock.toml:1:1: "a" is no key of the head of the file (docs/interlock.md has all keys)
interlock.toml:1:41: a is a table in a table in a table, and so on (Interlock has no keys below 8 tables)`},
		{"lists without an end", "ListenAddr = " + strings.Repeat("[", 1<<19) + "\n", `interlock.toml:1:10014: is not TOML: arrays and inline tables are nested more than the maximum of 10000 levels deep (what follows it was not read)`},
		{"lists of lists", "[Extensions.default]\nArgs = " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "\n", `interlock.toml:2:1: Args must be a list of texts, but here is a list (write texts in quotes)`},
		{"a long list", "[Extensions.default]\nArgs = [" + strings.Repeat("\"a\",", 1001) + "]\n", `interlock.toml:2:1: Args has more than 1000 entries (is it meant so?)`},
		{"a long file", strings.Repeat("#", 1<<20+1), `interlock.toml: is 1048577 bytes long; the limit is 1 MiB (is it the configuration of Interlock?)`},
		{"a key that is a table elsewhere", "Extensions.default = 1\n[Extensions.default.Config]\n", `interlock.toml:1:22: default must be a table, not a number (an extension is written as [Extensions.NAME], and its keys below it)
interlock.toml:2:13: default is written twice (it stands at interlock.toml:1:12 already: keep one of them)`},
		{"a list of tables that is a table elsewhere", "[Extensions.default]\n[[Extensions]]\n", `interlock.toml:2:3: Extensions is written twice (it stands at interlock.toml:1:2 already: keep one of them)`},
		{"what is meant by nobody", "colour = \"blue\"\n[Extensions.default]\n", `interlock.toml:1:1: "colour" is no key of the head of the file (docs/interlock.md has all keys)`},
		{"a number without an end", "[Extensions.default]\nProxyReplicas = " + strings.Repeat("9", 400) + "\n", `interlock.toml:2:17: "` + strings.Repeat("9", 57) + `..." is not a number (write a whole number, which may have up to 18 digits)`},
		{"a point without an end", "[Extensions.default.Config]\nConnectTimeout = 1e999\n", `interlock.toml:2:18: "1e999" is not a number (write a whole number, which may have up to 18 digits)`},
		{"the time", "[Extensions.default]\nServiceName = 12:00:00\n", `interlock.toml:2:15: ServiceName must be a text, not a date or a time (docs/interlock.md has all keys, and what becomes of them)`},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, problems := importing(t, c.text)
			if got := problems.Error(); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestBadInputWithoutEnd holds that there is an end to what is told, and that the end is
// told, too.
func TestBadInputWithoutEnd(t *testing.T) {
	const want = `interlock.toml:501:1: there are more problems from here on, which are not told (mend these first)`
	_, problems := importing(t, manyKeys(2000))
	if len(problems) != 501 || problems[500].String() != want {
		t.Errorf("got %d problems, the last of them\n%s\nwant\n%s", len(problems), problems[len(problems)-1], want)
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d = 1\n", i)
	}
	return b.String()
}

// TestHostileFiles holds that no file of the largest size takes long or gets what it
// says out of its place. The test's own limit of time is the measure.
func TestHostileFiles(t *testing.T) {
	const most = 1 << 20
	fill := func(head, item, tail string) string {
		return head + strings.Repeat(item, (most-len(head)-len(tail))/len(item)) + tail
	}
	long := strings.Repeat("x", 64<<10)
	for name, text := range map[string]string{
		"keys":              manyKeys(90_000),
		"keys on one line":  "a = {" + strings.ReplaceAll(strings.TrimSuffix(manyKeys(80_000), "\n"), "\n", ", ") + "}\n",
		"tables":            fill("", "[a]\n", ""),
		"tables in tables":  fill("", "[a.b.c.d]\n", ""),
		"dots":              fill("a", ".a", " = 1\n"),
		"labels":            "[Extensions.a.ProxyLabels]\n" + manyKeys(80_000),
		"extensions":        fill("", "[Extensions.\"\"]\n", ""),
		"many lists":        fill("[Extensions.a.Config]\nHTTPOptions = [", "\"a;\",", "]\n"),
		"a long text":       "[Extensions.a]\nServiceCluster = \"" + long + "\"\nProxyImage = \"" + long + "\"\n",
		"a long name":       "[Extensions." + long + "]\n",
		"a long key":        long + " = 1\n",
		"a long snippet":    fill("[Extensions.a.Config]\nHTTPOptions = \"map $a $b {", " a b;", "}\"\n"),
		"open blocks":       fill("[Extensions.a.Config]\nHTTPOptions = \"", "map{", "\"\n"),
		"what ends a line":  "[Extensions.a]\nServiceName = \"a\\nroutes: {}\\u2028b\\u0085\"\nProxyImage = \"nginx:1.30\\n  network: host\"\n",
		"what is YAML's":    "[Extensions.\"a: {b: *c}\"]\nProxyConstraints = [\"*a\", \"&b\", \"- c\", \"? d\", \"#e\", \"'\", \"%\"]\n[Extensions.\"a: {b: *c}\".ProxyLabels]\n\"k: v\" = \"w: x\"\n",
		"names that meet":   "[Extensions.a]\n[Extensions.A]\n[Extensions.\"a.2\"]\n[Extensions.\"-a-\"]\n",
		"a name of nothing": "[Extensions.\"\"]\n[Extensions.\"...\"]\n[Extensions.\"日本\"]\n",
	} {
		t.Run(name, func(t *testing.T) {
			if len(text) > most {
				t.Fatalf("the file has %d bytes, which nobody would read", len(text))
			}
			for _, given := range [][]route.Permission{nil, {route.Snippets}} {
				out, problems := importing(t, text, given...)
				if problems == nil && len(out.Desired.Routes)+len(out.Desired.Pools) > 0 {
					t.Errorf("it says more than proxies:\n%s", out.Data)
				}
			}
		})
	}
}

// TestHostileValues puts what could leave its place into every key, in each form that
// a value can have: there is one proxy with one name, or a problem.
func TestHostileValues(t *testing.T) {
	values := []string{
		"x\nroutes: {a: {hosts: [a.local], respond: 200}}", "x\n    network: host", "x # y", "x: y", "- x", "{a: b}", "[a]", "*x", "&x", "!!int 1", "|", ">", "%YAML 1.2",
		"---", "...", "'", `"`, `\`, "\t", "\r\nx", "\u0085x", "\u2028x", "\ufeffx", "\U0001f600", "null", "~", "yes", "0x10", "1e3", "0o7", ".inf", "1:30", "2001-01-01", "<<", "=",
		"a;} server { listen 81; }", "${x}", "{{ x }}", strings.Repeat("x", 2000),
	}
	tried := 0
	for _, key := range interlock.Keys() {
		head := inConfig
		for _, v := range keyVariants[key] {
			if !strings.Contains(v.text, ".Config]") {
				head = inExtension
			}
		}
		for _, value := range values {
			quoted := strconv.QuoteToASCII(value) // TOML's quotes, too, for these
			for _, form := range []string{quoted, "[" + quoted + "]", "{" + quoted + " = " + quoted + "}"} {
				tried++
				out, problems := importing(t, head+key+" = "+form+"\n", route.Snippets)
				if d := out.Desired; problems == nil && (len(d.Proxies) != 1 || len(d.Routes)+len(d.Pools)+len(d.Streams)+len(d.Policies) > 0 || d.Proxies["default"] == nil || d.Proxies["default"].Network.Value == "host") {
					t.Errorf("%s = %s becomes\n%s", key, form, out.Data)
				}
			}
		}
	}
	t.Logf("%d values", tried)
}

// FuzzTOML imports anything. Whatever is taken passes the parser of repositories, and
// whatever is told has a place and fits on a line.
func FuzzTOML(f *testing.F) {
	for _, all := range keyVariants {
		for _, v := range all {
			f.Add(v.text, true)
		}
	}
	f.Fuzz(func(t *testing.T, text string, snippets bool) {
		var given []route.Permission
		if snippets {
			given = append(given, route.Snippets)
		}
		out, _ := importing(t, text, given...)
		if !utf8.Valid(out.Data) {
			t.Errorf("%q is no text", out.Data)
		}
	})
}
