package swarm_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// TestOperatePinIsKept holds that a pinned revision lies beside the last good one of
// its source, and neither touches the other.
func TestOperatePinIsKept(t *testing.T) {
	w := newWorld(t, "pinned")
	begin := time.Now().Add(-time.Minute) // by whatever clock the engine has
	kept := w.cluster.Kept(t.Name())
	wantPinned := func(want *route.Revision) {
		t.Helper()
		got, since, err := w.connect(time.Minute).Kept(t.Name()).Pinned(t.Context())
		switch {
		case err != nil:
			t.Error(err)
		case want == nil && !since.IsZero():
			t.Errorf("pinned: got %s, want nothing", got.ID)
		case want != nil && (since.Before(begin) || !reflect.DeepEqual(got, *want)):
			t.Errorf("pinned: got %q since %s, want %s with the files that were pinned", got.ID, since, want.ID)
		}
	}
	wantPinned(nil)
	if _, was, err := kept.Unpin(t.Context()); was || err != nil {
		t.Errorf("unpinned where nothing was pinned: got %t, %v", was, err)
	}
	good, small, large := revision("c0ffee", 1000), revision("decade", 1000), revision("facade", 1_200_000)
	if err := kept.Keep(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	wantPinned(nil)
	for _, rev := range []route.Revision{good, small, large, small} {
		if err := kept.Pin(t.Context(), rev); err != nil {
			t.Fatal(err)
		}
		wantPinned(&rev)
		w.wantLast(t.Name(), &good)
	}
	if err := kept.Keep(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	wantPinned(&small)
	if rev, was, err := kept.Unpin(t.Context()); rev != small.ID || !was || err != nil {
		t.Errorf("unpinned: got %q, %t, %v, want %q", rev, was, err, small.ID)
	}
	wantPinned(nil)
	w.wantLast(t.Name(), &large)
	names, err := w.cluster.Sources(t.Context())
	if err != nil || !slices.Contains(names, t.Name()) {
		t.Errorf("sources in the Swarm: got %s, %v, want %s among them", strings.Join(names, ", "), err, t.Name())
	}
}
