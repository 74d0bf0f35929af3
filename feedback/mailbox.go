package feedback

import (
	"slices"
	"sync"
	"time"
)

// most is how many revisions a mailbox holds news of. Where it is full the oldest
// goes: who has heard nothing for so long wants to know how things stand now.
const most = 32

// letter is a piece of news that waits.
type letter struct {
	news
	since  time.Time
	number int
}

// mailbox holds what a receiver is still to be told: of each revision the latest.
type mailbox struct {
	to     receiver
	filled chan struct{} // has one slot

	mu      sync.Mutex
	letters []letter
	number  int
}

func newMailbox(to receiver) *mailbox { return &mailbox{to: to, filled: make(chan struct{}, 1)} }

// put never waits.
func (b *mailbox) put(n news) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.number++
	b.letters = slices.DeleteFunc(b.letters, func(l letter) bool { return l.revision == n.revision })
	b.letters = append(b.letters, letter{n, time.Now(), b.number})
	if len(b.letters) > most {
		b.letters = slices.Delete(b.letters, 0, 1)
	}
	select {
	case b.filled <- struct{}{}:
	default:
	}
}

// next is the oldest letter, which stays until it is removed.
func (b *mailbox) next() (letter, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.letters) == 0 {
		return letter{}, false
	}
	return b.letters[0], true
}

// remove takes a letter out, if no later one has taken its place.
func (b *mailbox) remove(l letter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = slices.DeleteFunc(b.letters, func(other letter) bool { return other.number == l.number })
}
