package directive_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/directive"
	"github.com/wharfinger/wharfinger/lab"
)

// pieces is what random texts are made of: everything that means something to
// nginx's reader, and what does not.
var pieces = strings.Split("a|b|cd|n|t|(|)|=|~|\u00a0|\u0085| | | | |\n|\t|\r|;|{|}|\"|'|\\|$|${|#|\\\\|\\\"|\"a b\"|'{;'|\"${a}\"|${a}b", "|")

// TestReadsLikeNginx compares All with nginx itself over random texts, by what
// nginx tells of the entries of a types block: it takes any words there, and
// warns of each that it has met before.
func TestReadsLikeNginx(t *testing.T) {
	if testing.Short() {
		t.Skip("the lab's nginx is fetched as root")
	}
	for _, version := range []string{"1.30", "1.22"} {
		t.Run(version, func(t *testing.T) {
			program, err := lab.Nginx(t.Context(), version)
			if err != nil {
				t.Fatal(err)
			}
			random := rand.New(rand.NewPCG(1, 2))
			words, refused := 0, 0
			for range 300 {
				// Several good texts go into one file, and then one of any kind, for
				// nginx ends at the first mistake.
				var text strings.Builder
				for range 60 {
					if piece := randomText(random) + ";\n"; good(piece) {
						text.WriteString(piece)
					}
				}
				if random.IntN(2) == 0 {
					text.WriteString(randomText(random))
				}
				text.WriteString("}\n}\n")
				w, r := compare(t, program, text.String())
				words += w
				refused += r
			}
			if words < 3000 || refused < 100 || refused > 200 {
				t.Errorf("nginx told of %d words and refused %d texts: too few to mean anything", words, refused)
			}
			t.Logf("%d words, %d texts refused", words, refused)
		})
	}
}

func randomText(random *rand.Rand) string {
	var b strings.Builder
	for range 1 + random.IntN(24) {
		b.WriteString(pieces[random.IntN(len(pieces))])
	}
	return b.String()
}

func good(text string) bool {
	for d, err := range directive.All(text) {
		if err != nil || d.End != ';' {
			return false
		}
	}
	return true
}

const opening = "events {}\nhttp {\ntypes {\n"

// telling is what nginx must say of a text behind the opening, as our own
// reader sees it: a warning for each argument in the types block, and the
// complaint at which it ends.
type telling struct {
	warnings, words []string
	complaint       string
}

func expected(text string) (out telling) {
	depth := 3 // types, http, the file
	for d, err := range directive.All(text) {
		switch {
		case err != nil:
			out.complaint = err.Error()
			return out
		case d.End == '}':
			if depth--; depth == 0 {
				out.complaint = `unexpected "}"`
				return out
			}
		case depth < 3:
			out.complaint = fmt.Sprintf("unknown directive \"%s\"", d.Words[0])
			return out
		case d.End == '{':
			out.complaint = `unexpected "{"`
			return out
		default:
			for _, word := range d.Words[1:] {
				out.warnings = append(out.warnings, fmt.Sprintf("%s of %s", word, d.Words[0]))
				out.words = append(out.words, word)
			}
		}
	}
	if depth > 1 {
		out.complaint = "unexpected end"
	}
	return out
}

var (
	message   = regexp.MustCompile(`(?m)^(?:nginx: |\d{4}/\d\d/\d\d .*?)\[(emerg|warn)\] (?:\d+#\d+: )?`)
	duplicate = regexp.MustCompile(`(?s)^duplicate extension "(.*)", content type: "(.*)", previous content type: ".*" in `)
)

// told asks nginx.
func told(t *testing.T, program, text string, words []string) (out telling, raw string) {
	t.Helper()
	var file strings.Builder
	file.WriteString(opening)
	for _, word := range words { // it warns of what it has met before
		fmt.Fprintf(&file, "zz \"%s\";\n", strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word))
	}
	file.WriteString(text)
	dir := t.TempDir()
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(file.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "-t", "-q", "-e", "stderr", "-p", dir, "-c", path, "-g", "pid "+dir+"/pid;")
	cmd.Stderr = &stderr
	cmd.Run() // its exit code says no more than its words
	raw = stderr.String()
	at := message.FindAllStringSubmatchIndex(raw, -1)
	for i, m := range at {
		end := len(raw)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		body := raw[m[1]:end]
		if raw[m[2]:m[3]] == "emerg" {
			out.complaint = body
		} else if d := duplicate.FindStringSubmatch(body); d != nil && d[2] != "zz" {
			out.warnings = append(out.warnings, d[1]+" of "+d[2])
		}
	}
	return out, raw
}

func compare(t *testing.T, program, text string) (words, refused int) {
	t.Helper()
	want := expected(text)
	got, raw := told(t, program, text, want.words)
	if !slices.Equal(got.warnings, want.warnings) {
		t.Errorf("%q:\nnginx reads %q\n   we read %q\nnginx said %s", text, got.warnings, want.warnings, raw)
	}
	// What nginx says of an end is worded in more ways than ours.
	prefix := strings.ReplaceAll(want.complaint, "\u00c2", "\xc2") // one byte of a character
	if strings.HasPrefix(prefix, "unexpected end") || strings.HasPrefix(prefix, "the quote") {
		prefix = "unexpected end of file"
	}
	if (got.complaint == "") != (want.complaint == "") || !strings.HasPrefix(got.complaint, prefix) {
		t.Errorf("%q:\nnginx says %q\n   we say %q", text, got.complaint, want.complaint)
	}
	if want.complaint != "" {
		refused = 1
	}
	return len(want.words), refused
}
