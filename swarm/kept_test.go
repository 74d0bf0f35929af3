package swarm_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/route"
)

// revision has files that do not shrink, of that many bytes together.
func revision(id string, size int) route.Revision {
	random := rand.NewChaCha8([32]byte{1})
	rev := route.Revision{ID: id}
	for i := range 4 {
		data := make([]byte, size/4)
		random.Read(data)
		rev.Files = append(rev.Files, route.File{Path: fmt.Sprintf("a folder/%d.yaml", i), Data: data})
	}
	return rev
}

func TestKept(t *testing.T) {
	w := newWorld(t, "kept")
	kept := w.cluster.Kept(t.Name())
	w.wantLast(t.Name(), nil)

	small, large := revision("c0ffee", 1000), revision("decade", 1_200_000)
	for _, rev := range []route.Revision{small, small, large, large, small} {
		if err := kept.Keep(t.Context(), rev); err != nil {
			t.Fatal(err)
		}
		w.wantLast(t.Name(), &rev)
		want := 1
		if rev.ID == large.ID {
			want = 3
		}
		if got := len(w.keptConfigs(t.Name())); got != want {
			t.Errorf("configs that hold %s: got %d, want %d", rev.ID, got, want)
		}
	}
	w.wantLast("another repository", nil)

	// Who is killed while it keeps leaves the revision before: all parts but one.
	if err := kept.Keep(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	var parts []struct{ Spec api.ConfigSpec }
	if err := json.Unmarshal([]byte(w.docker(append([]string{"config", "inspect"}, w.keptConfigs(t.Name())...)...)), &parts); err != nil {
		t.Fatal(err)
	}
	if err := kept.Keep(t.Context(), small); err != nil {
		t.Fatal(err)
	}
	for _, part := range parts[1:] {
		file := filepath.Join(t.TempDir(), "part")
		if err := os.WriteFile(file, part.Spec.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"config", "create"}
		for key, value := range part.Spec.Labels {
			args = append(args, "--label", key+"="+value)
		}
		w.docker(append(args, part.Spec.Name, file)...)
	}
	w.wantLast(t.Name(), &small)
	if err := kept.Keep(t.Context(), large); err != nil { // what is there of it is used
		t.Fatal(err)
	}
	w.wantLast(t.Name(), &large)
}

func TestKeptByTwo(t *testing.T) {
	w := newWorld(t, "kept-by-two")
	rev := revision("c0ffee", 1_200_000)
	errs := make(chan error)
	for range 2 {
		go func() { errs <- w.connect(time.Minute).Kept(t.Name()).Keep(t.Context(), rev) }()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	w.wantLast(t.Name(), &rev)
}

func (w *world) wantLast(source string, want *route.Revision) {
	w.Helper()
	got, ok, err := w.connect(time.Minute).Kept(source).Last(w.Context())
	switch {
	case err != nil:
		w.Error(err)
	case want == nil && ok:
		w.Errorf("kept of %q: got %s, want nothing", source, got.ID)
	case want != nil && (!ok || !reflect.DeepEqual(got, *want)):
		w.Errorf("kept of %q: got %q, %v, want %s with the files that were kept", source, got.ID, ok, want.ID)
	}
}

// keptConfigs are the names of the configs that hold a source's revision.
func (w *world) keptConfigs(source string) []string {
	w.Helper()
	return strings.Fields(w.docker("config", "ls", "-q", "--filter", "label=wharfinger.source="+source))
}
