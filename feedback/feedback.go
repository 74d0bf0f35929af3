// Package feedback tells people where they look what became of a revision: as the
// status of the commit at the forge, by a webhook, and in a chat.
//
// Nobody waits for it. News lie in a mailbox for each receiver, the latest of a
// revision in place of the one before, and one goroutine for each hands them on: in
// order, never too fast, again and again where the world fails, and never for ever.
// What they hold of secrets comes from files and is never printed.
package feedback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wharfinger/wharfinger/route"
)

// state is how a revision stands, in the words of all three forges.
type state string

const (
	pending state = "pending" // it is on its way, or waits for something
	success state = "success" // every proxy serves it
	failure state = "failure" // it is refused, or was taken back
)

// news is what became of a revision.
type news struct {
	revision string
	state    state
	problems route.Problems // what it waits for, or why it failed
}

// text says it in one line.
func (n news) text() string {
	words := map[state]string{pending: "on its way to the proxies", success: "every proxy serves it", failure: "refused"}[n.state]
	if len(n.problems) == 0 {
		return words
	}
	if n.state == pending {
		words = "waits"
	}
	words += ": " + n.problems[0].String()
	if more := len(n.problems) - 1; more > 0 {
		words += fmt.Sprintf(" and %d more", more)
	}
	return words
}

// receiver is somebody who is told.
type receiver interface {
	// wants reports whether such news are for it.
	wants(news) bool
	// send hands them over. An error is tried again unless it is useless.
	send(context.Context, news) error
	// String names it, without a secret.
	String() string
}

// useless is an error that stays the same, whenever it is tried again.
type useless string

func (u useless) Error() string { return string(u) }

// busy is an error of a receiver that says when to come again.
type busy struct{ after time.Duration }

func (b busy) Error() string { return fmt.Sprintf("it asks to come again after %s", b.after) }

// How often a receiver is spoken to: no sooner than gap after it was told something,
// then from firstRetry doubled to lastRetry while it fails, and a piece of news is
// given up after patience.
const (
	gap        = time.Second
	firstRetry = 2 * time.Second
	lastRetry  = time.Minute
	patience   = time.Hour
	timeout    = 15 * time.Second // of one try
)

// Desk is where news come in.
type Desk struct {
	boxes []*mailbox
	log   *slog.Logger
}

// Coming tells that a revision is on its way to the proxies, and what it waits for,
// if it does.
func (d *Desk) Coming(revision string, waits route.Problems) { d.tell(news{revision, pending, waits}) }

// Live tells that every proxy serves a revision.
func (d *Desk) Live(revision string) { d.tell(news{revision, success, nil}) }

// Refused tells why a revision is not served, or no longer.
func (d *Desk) Refused(revision string, problems route.Problems) {
	d.tell(news{revision, failure, problems})
}

func (d *Desk) tell(n news) {
	for _, b := range d.boxes {
		if b.to.wants(n) {
			b.put(n)
		}
	}
}

// Run hands news on until the context ends, and then returns nil. What is not told
// by then is lost: the next daemon tells how things stand.
func (d *Desk) Run(ctx context.Context) error {
	var group errgroup.Group
	for _, b := range d.boxes {
		group.Go(func() error { d.serve(ctx, b); return nil })
	}
	return group.Wait()
}

func (d *Desk) serve(ctx context.Context, b *mailbox) {
	said, retry := "", firstRetry
	for {
		l, ok := b.next()
		if !ok {
			select {
			case <-ctx.Done():
				return
			case <-b.filled:
				continue
			}
		}
		err := d.try(ctx, b.to, l.news)
		if ctx.Err() != nil {
			return
		}
		wait := gap
		_, hopeless := errors.AsType[useless](err)
		switch {
		case err == nil:
			if said != "" {
				d.log.Info("well again", "what", b.to.String())
			}
			said, retry = "", firstRetry
			b.remove(l)
		case hopeless || time.Since(l.since) > patience:
			d.log.Error("this is told to nobody", "what", b.to.String(), "revision", l.revision, "news", l.text(), "err", err)
			b.remove(l)
		default:
			if err.Error() != said {
				said = err.Error()
				d.log.Error("cannot be told for now", "what", b.to.String(), "err", err)
			}
			wait = retry - rand.N(retry/10) // so that many daemons do not come back as one
			if asks, ok := errors.AsType[busy](err); ok {
				wait = max(wait, min(asks.after, patience))
			}
			retry = min(2*retry, lastRetry)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// try gives up on a receiver that does not answer.
func (d *Desk) try(ctx context.Context, to receiver, n news) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("gave up after %s without an answer", timeout))
	defer cancel()
	err := to.send(ctx, n)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
