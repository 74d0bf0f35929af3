package generator_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
)

func (l leaf) isSnippet() bool { return strings.HasSuffix(l.is, " snippet") }

// hostileSnippets is what somebody might write to leave the block that their
// snippet stands in, or to take in what follows it.
var hostileSnippets = []string{
	"}", "} ", "}\n", "};", "return 200; }", "return 200; } location /evil { return 200;", "return 200; } } server { listen 81; location / { return 200;",
	"if ($host) {", "if ($host) { return 200;", "if ($host) { return 200; } }", "location /x { return 200; } }", "map $host $x {", "map $host $x { a b; } }",
	"map $host $x { a b { c d; } } return 200;", "map $host $x { a b { c d; } } server {", "geo $x { default { a b; } }", "types { a b { c d; } }",
	"add_header X y", "add_header X", "add_header X \"y", "add_header X 'y;", "add_header X \"y\\\";", "add_header X y\\;", "add_header X y;\\", "add_header X ${;", "add_header X ${;\n}",
	"add_header X y; #", "add_header X y; # }", "add_header X y; # \\", "add_header X \"}\";", "add_header X \"${\";", "add_header X '{';", "add_header X y{z};", "add_header X }y;",
	"add_header X \"a\nb\";", "add_header X \"a\n# file nginx.conf\nb\";", "add_header X y;\n# file nginx.conf\nadd_header Z y;", "# its end\nadd_header X y;", "# its end\n}",
	"load_module x;", "include /etc/passwd;", "add_header X y;\r}", "add_header X y; #\r}", "add_header X y; #\u2028}", "add_header X y;\v}", "add_header\u00a0X y;",
	"content_by_lua_block { } }", "if ($x) { } } ", "add_header X y;;", "add_header \"X\"y z;", "add_header (X) y;", "add_header \"X\") y;",
}

// TestHostileSnippets tries every hostile text in the fields that take nginx's
// own language: Parse refuses it, or every directive outside of it is there as
// with a harmless one, in the same place, and what is inside begins and ends
// there.
func TestHostileSnippets(t *testing.T) {
	tried, accepted, fields := 0, 0, 0
	for _, l := range leaves(t) {
		if !l.isSnippet() {
			continue
		}
		fields++
		base := sequences(t, l, l.harmless)
		if base == nil {
			t.Fatalf("%s: the harmless value is refused", l.name)
		}
		ordinary := l.harmless.(string)
		half := len(ordinary) / 2
		for _, evil := range slices.Concat(hostile, hostileSnippets) {
			for _, value := range []string{evil, evil + ordinary, ordinary + evil, ordinary[:half] + evil + ordinary[half:], ordinary + "\n" + evil + "\n" + ordinary} {
				tried++
				got := sequences(t, l, value)
				if got == nil {
					continue
				}
				accepted++
				for path := range base {
					if !within(got[path], base[path]) {
						t.Errorf("%s: %.80q changes what is around it in %s:\ngot  %q\nwant %q", l.name, value, path, got[path], base[path])
					}
				}
				if len(got) != len(base) {
					t.Errorf("%s: %.80q: got %d files, want %d", l.name, value, len(got), len(base))
				}
			}
		}
	}
	if fields != 2 || accepted < 50 {
		t.Errorf("%d fields took %d of the texts: too few to mean anything", fields, accepted)
	}
	t.Logf("%d fields, %d combinations; %d were let through and stayed in their place", fields, tried, accepted)
}

// sequences renders a repository and lists the directives of each file, or
// answers nil where it has problems.
func sequences(t *testing.T, l leaf, value any) map[string][]string {
	t.Helper()
	desired, problems := parse(l.whole.with(value))
	if problems != nil {
		return nil
	}
	model, _ := generator.Build(desired, hostileLive(desired))
	out := map[string][]string{}
	for _, p := range model.Proxies {
		files, rollout := render(t, p)
		for _, f := range files.All {
			path := p.Name + "/" + f.Path
			walk(t, f.Data, func(directive string) { out[path] = append(out[path], directive) })
		}
		sameFiles(t, l.name, generator.Unpack(rollout.Shards), files.All)
	}
	return out
}

// within reports whether got is base with another snippet in the place of each
// harmless one, the same everywhere, that opens and closes its own blocks alone.
func within(got, base []string) bool {
	const harmless = "add_header 3 ;"
	var around [][]string // the harmless snippets
	for {
		i := slices.Index(base, harmless)
		if i < 0 {
			break
		}
		around, base = append(around, base[:i]), base[i+1:]
	}
	around = append(around, base)
	outside := 0
	for _, part := range around {
		outside += len(part)
	}
	if len(around) == 1 {
		return slices.Equal(got, base)
	}
	length := (len(got) - outside) / (len(around) - 1)
	if length < 0 || outside+length*(len(around)-1) != len(got) {
		return false
	}
	var snippet []string
	for i, part := range around {
		if !slices.Equal(got[:len(part)], part) {
			return false
		}
		got = got[len(part):]
		if i == len(around)-1 {
			break
		}
		if i > 0 && !slices.Equal(got[:length], snippet) {
			return false
		}
		snippet, got = got[:length], got[length:]
	}
	depth := 0
	for _, directive := range snippet {
		switch {
		case directive == "}":
			depth--
		case strings.HasSuffix(directive, "{"):
			depth++
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0
}
