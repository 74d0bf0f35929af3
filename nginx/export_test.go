package nginx

import (
	"context"
	"os/exec"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/nginx/sandbox"
)

// Limited is a tester with other limits than the standard ones.
func (t Tester) Limited(change func(*sandbox.Limits)) Tester {
	l := t.limited()
	change(&l)
	t.limits = &l
	return t
}

// Ask asks the program alone, and not the list of directives.
func (t Tester) Ask(ctx context.Context, shards []generator.Shard) error { return t.ask(ctx, shards) }

// Verdict is that on what nginx said when it failed.
func Verdict(said string, lacks []string) error {
	err := exec.Command("false").Run()
	return Tester{}.verdict(nil, said, lacks, err)
}
