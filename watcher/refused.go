package watcher

import (
	"errors"
	"strings"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// Refused is the error for a rollout whose files did not pass their test, told by
// what they were made of.
type Refused struct {
	Problems route.Problems
	err      error // the Tester's
}

func (r *Refused) Error() string {
	return "the files did not pass their test: " + strings.ReplaceAll(r.Problems.Error(), "\n", "; ")
}

func (r *Refused) Unwrap() error { return r.err }

// Traced is a Tester's error about the files of a rollout, as *Refused where it
// tells of places in them.
func (p *Plan) Traced(r generator.Rollout, err error) error {
	told, ok := errors.AsType[interface {
		error
		Complaints() []generator.Complaint
	}](err)
	if !ok {
		return err
	}
	return &Refused{p.read.Tell(generator.Trace(p.read.Desired, r.Proxy, generator.Unpack(r.Shards), told.Complaints())), err}
}
