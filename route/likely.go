package route

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Guesser guesses what was meant by names that are not there. Its zero value is
// ready for use. It tires after a hundred, for each is compared with all names
// that there are, and nobody reads more.
type Guesser struct{ guesses int }

// Likely asks in one sentence whether one of some names was meant. It is empty
// where none of them is near, or too many are.
func (g *Guesser) Likely(text string, names []string) string {
	if g.guesses++; g.guesses > 100 {
		return ""
	}
	near, _ := nearest(text, names)
	return didYouMean(near)
}

func didYouMean(near []string) string {
	const most = 3
	if len(near) == 0 || len(near) > most {
		return ""
	}
	return "did you mean " + strings.Join(near, " or ") + "?"
}

// nearest lists the names that are equally near to a text, sorted, and how many
// letters off they are. Names that are further off than a slip of the hand are
// not near at all.
func nearest(text string, names []string) (near []string, off int) {
	const (
		tolerable = 3  // letters; more is another word
		longest   = 60 // letters; comparing takes the square of it
	)
	length := utf8.RuneCountInString(text)
	off = min(tolerable, length/2)
	if off == 0 || length > longest {
		return nil, tolerable + 1
	}
	for _, name := range names {
		if at := distance(text, name, off); at < off {
			near, off = []string{name}, at
		} else if at == off {
			near = append(near, name)
		}
	}
	if near == nil {
		return nil, tolerable + 1
	}
	slices.Sort(near)
	return near, off
}

// distance counts the letters by which two names differ, or answers more than
// most. A name behind that of its stack is as good as one letter off.
func distance(text, name string, most int) int {
	if strings.HasSuffix(name, "_"+text) {
		return 1
	}
	if d := utf8.RuneCountInString(text) - utf8.RuneCountInString(name); d > most || -d > most {
		return most + 1
	}
	return levenshtein.ComputeDistance(text, name)
}
