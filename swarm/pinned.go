package swarm

import (
	"context"
	"fmt"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// Pin has a revision stand in the place of whatever the source holds, until Unpin.
// One that was pinned before gives way when the new one is there as a whole.
func (k Kept) Pin(ctx context.Context, rev route.Revision) error { return k.pin().Keep(ctx, rev) }

// Pinned returns the revision that is pinned and since when, by the managers' clock.
// The time is zero where none is.
func (k Kept) Pinned(ctx context.Context) (route.Revision, time.Time, error) {
	return k.pin().last(ctx)
}

// Unpin lets the source speak again. It returns which revision was pinned, or false
// where none was.
func (k Kept) Unpin(ctx context.Context) (revision string, was bool, err error) {
	configs, err := k.pin().list(ctx)
	if err != nil || len(configs) == 0 {
		return "", false, err
	}
	if err := k.cluster.removeConfigs(ctx, configs); err != nil {
		return "", false, fmt.Errorf("unpin: %w", err)
	}
	return configs[0].Spec.Labels[labelRevision], true, nil
}
