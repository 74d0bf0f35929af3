package directive_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/directive"
)

// TestListIsDocumented holds docs/directives.md against the list.
func TestListIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/directives.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9_]+)`")
	for _, block := range []directive.Block{directive.Main, directive.Events, directive.HTTP, directive.Upstream, directive.Stream} {
		_, section, ok := strings.Cut(string(text), "\n## In "+string(block)+"\n")
		if !ok {
			t.Errorf("there is no section for %s", block)
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		var got []string
		for _, m := range named.FindAllStringSubmatch(section, -1) {
			got = append(got, m[1])
		}
		if want := directive.Names(block); !slices.Equal(got, want) {
			t.Errorf("the section for %s must name:\n`%s`", block, strings.Join(want, "` `"))
		}
	}
}
