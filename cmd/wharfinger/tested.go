package main

import (
	"context"
	"errors"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/nginx"
	"github.com/wharfinger/wharfinger/route"
	"github.com/wharfinger/wharfinger/watcher"
)

// tested tells what is wrong with what would be rolled out: for the list of
// directives and, if there is one, for nginx.
func tested(ctx context.Context, tester nginx.Tester, plan *watcher.Plan) (route.Problems, error) {
	test := tester.Test
	if tester.Path == "" {
		test = func(_ context.Context, shards []generator.Shard) error { return nginx.Allow(shards) }
	} else if err := fits(ctx, tester, plan.Desired); err != nil {
		return nil, err
	}
	var problems route.Problems
	for _, r := range plan.Rollouts {
		err := plan.Traced(r, test(ctx, r.Shards))
		refused, ok := errors.AsType[*watcher.Refused](err)
		switch {
		case ok:
			problems = append(problems, refused.Problems...)
		case err != nil:
			return nil, err
		}
	}
	return problems.Sorted(), nil
}
