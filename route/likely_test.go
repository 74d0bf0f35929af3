package route_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/route"
)

func TestLikely(t *testing.T) {
	for _, c := range []struct{ text, names, want string }{
		{"shopp", "demo shop", "did you mean shop?"},
		{"dmo", "demo", "did you mean demo?"},
		{"egde", "edge", "did you mean edge?"},
		{"shop-nxt", "shop shop-next", "did you mean shop-next?"},
		{"schop", "shop stop", "did you mean shop?"},
		{"web-4", "web-3 web-1 web-2", "did you mean web-1 or web-2 or web-3?"},
		{"web-5", "web-1 web-2 web-3 web-4", ""}, // nobody knows which
		{"shop", "legacy_shop other", "did you mean legacy_shop?"},
		{"billing", "accounts_billing billink", "did you mean accounts_billing or billink?"},
		{"nobody", "demo shop", ""},
		{"ab", "cd", ""},
		{"x", "y", ""},
		{"", "a", ""},
		{"demo", "", ""},
		{strings.Repeat("x", 61), strings.Repeat("x", 60), ""},
		{"käse", "kase", "did you mean kase?"},
	} {
		if got := new(route.Guesser).Likely(c.text, strings.Fields(c.names)); got != c.want {
			t.Errorf("%s of %s: got %q, want %q", c.text, c.names, got, c.want)
		}
	}
}

// TestGuesserTires holds that many mistakes do not take the square of the time.
func TestGuesserTires(t *testing.T) {
	var g route.Guesser
	guessed := 0
	for i := range 200 {
		if g.Likely(fmt.Sprintf("shop-%d", i), []string{"shop-next"}) != "" {
			t.Fatal("shop-1 and shop-next are not near")
		}
		if g.Likely("shopp", []string{"shop"}) != "" {
			guessed++
		}
	}
	if guessed != 50 {
		t.Errorf("guessed %d times of 400, want 50 times of the first 100", guessed)
	}
}
