package git_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/git"
)

// at reads a revision of the repository that a folder lies in.
func at(t *testing.T, dir, revision string) (id, files string, err error) {
	t.Helper()
	c, err := git.NewCommit(dir, revision, git.Limits{})
	if err != nil {
		return "", "", err
	}
	rev, err := c.Fetch(t.Context())
	return rev.ID, text(rev.Files), err
}

// history is a repository with three commits on main, a branch and two tags.
func history(t *testing.T) (r *repository, commits []string) {
	r = newRepository(t)
	for _, content := range []string{"one", "two", "three"} {
		r.write("a.yaml", content)
		r.write("routes/b.yaml", "b of "+content)
		commits = append(commits, r.push())
	}
	r.git("tag", "light", commits[0])
	r.git("tag", "-a", "-m", "a tag", "heavy", commits[1])
	r.git("tag", "-a", "-m", "a tag of a tag", "heavier", "heavy")
	r.git("branch", "feature/x", commits[0])
	r.git("push", "--quiet", "--tags", "origin", "feature/x")
	return r, commits
}

func TestCommit(t *testing.T) {
	r, commits := history(t)
	folder := filepath.Join(r.work, "routes")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "worktree")
	r.git("worktree", "add", "--quiet", "--detach", other, commits[0])
	packed := filepath.Join(t.TempDir(), "packed")
	run(t, r.work, "clone", "--quiet", r.bare, packed)
	run(t, packed, "gc", "--quiet")

	for _, c := range []struct {
		dir, revision string
		commit        int
		want          string
	}{
		{r.work, "main", 2, "a.yaml=three\nroutes/b.yaml=b of three\n"},
		{r.work, "refs/heads/main", 2, ""},
		{r.work, "HEAD", 2, ""},
		{r.work, "origin/main", 2, ""},
		{r.work, "HEAD^", 1, ""},
		{r.work, "main~2", 0, "a.yaml=one\nroutes/b.yaml=b of one\n"},
		{r.work, "HEAD^^1~0^0", 0, ""},
		{r.work, "feature/x", 0, ""},
		{r.work, "light", 0, ""},
		{r.work, "heavy", 1, ""},
		{r.work, "heavier", 1, ""},
		{r.work, "tags/heavy^", 0, ""},
		{r.work, commits[1], 1, ""},
		{r.work, commits[1][:7], 1, ""},
		{r.work, commits[1][:12], 1, ""},
		{folder, "main", 2, "b.yaml=b of three\n"},
		{folder, "main^", 1, "b.yaml=b of two\n"},
		{link, "main", 2, "b.yaml=b of three\n"},
		{other, "HEAD", 0, "a.yaml=one\nroutes/b.yaml=b of one\n"},
		{other, "main", 2, ""},
		{packed, "HEAD^", 1, ""},
		{packed, "feature/x", 0, ""}, // a branch of origin's alone
		{packed, commits[0][:9], 0, ""},
	} {
		id, files, err := at(t, c.dir, c.revision)
		if err != nil || id != commits[c.commit] || c.want != "" && files != c.want {
			t.Errorf("%s of %s: got %s with\n%s(%v), want %s with\n%s", c.revision, filepath.Base(c.dir), id, files, err, commits[c.commit], c.want)
		}
	}
}

// A clone as CI makes it: one commit, no branch, and no way back.
func TestCommitOfShallowClone(t *testing.T) {
	r, commits := history(t)
	shallow := filepath.Join(t.TempDir(), "shallow")
	run(t, r.work, "clone", "--quiet", "--depth=1", "--branch", "main", "file://"+r.bare, shallow)
	run(t, shallow, "checkout", "--quiet", "--detach")
	run(t, shallow, "branch", "--quiet", "-D", "main")
	run(t, shallow, "update-ref", "-d", "refs/remotes/origin/main")

	refused := map[string]string{
		"HEAD^":       "there is no HEAD^: the clone is shallow and does not hold what was before " + commits[2][:7] + " (git fetch --deepen=1, or more)",
		"feature/x":   "this clone has no branch, tag or commit feature/x (git fetch --depth=1 origin feature/x:refs/remotes/origin/feature/x)",
		"origin/main": "this clone has no branch, tag or commit origin/main (git fetch --depth=1 origin main:refs/remotes/origin/main)",
		commits[0]:    "this clone has no branch, tag or commit " + commits[0] + " (git fetch --depth=1 origin " + commits[0] + ")",
	}
	for revision, want := range refused {
		if _, _, err := at(t, shallow, revision); err == nil || err.Error() != want {
			t.Errorf("%s: got error %v, want %s", revision, err, want)
		}
	}
	// What it says does help.
	run(t, r.bare, "config", "uploadpack.allowAnySHA1InWant", "true")
	for revision, want := range refused {
		_, command, _ := strings.Cut(strings.TrimSuffix(strings.TrimSuffix(want, ")"), ", or more"), "(git ")
		run(t, shallow, strings.Fields(command)...)
		if _, _, err := at(t, shallow, revision); err != nil {
			t.Errorf("%s, after git %s: %v", revision, command, err)
		}
	}
	run(t, shallow, "fetch", "--quiet", "--depth=1", "origin", "feature/x")
	if id, _, err := at(t, shallow, "FETCH_HEAD"); id != commits[0] {
		t.Errorf("FETCH_HEAD: got %s, error %v, want %s", id, err, commits[0])
	}
}

func TestCommitRefusals(t *testing.T) {
	r, commits := history(t)
	r.git("rm", "--quiet", "-r", "a.yaml", "routes")
	r.write("README", "nothing yet")
	empty := r.push()
	outside := t.TempDir()
	partial := filepath.Join(t.TempDir(), "partial")
	run(t, r.bare, "config", "uploadpack.allowFilter", "true")
	run(t, r.work, "clone", "--quiet", "--no-checkout", "--filter=blob:none", "file://"+r.bare, partial)
	sharing := filepath.Join(t.TempDir(), "sharing")
	run(t, r.work, "clone", "--quiet", "--shared", r.work, sharing)
	local := t.TempDir()
	run(t, local, "init", "--quiet", "-b", "main")
	sha256 := t.TempDir()
	run(t, sha256, "init", "--quiet", "--object-format=sha256")

	for _, c := range []struct {
		dir, revision, want string
		nothing             bool
	}{
		{outside, "main", outside + " lies in no git repository, so it has no revision main", false},
		{sharing, "HEAD", "HEAD is not here: what this clone shares with another one is not read (git repack -a -d copies it)", false},
		{local, "next", "there is no branch, tag or commit next", false},
		{r.work, "nowhere", "this clone has no branch, tag or commit nowhere (git fetch origin nowhere:refs/remotes/origin/nowhere)", false},
		{r.work, "0123abc", "this clone has no branch, tag or commit 0123abc", false},
		{r.work, "main~9", "there is no main~9: " + commits[0][:7] + " is the first commit", false},
		{r.work, "HEAD^2", "there is no HEAD^2: the parents of " + empty[:7] + " are 1", false},
		{r.work, "^", `"^" is not the name of a branch, tag or commit`, false},
		{r.work, "", `"" is not the name of a branch, tag or commit`, false},
		{r.work, "../../etc/passwd", `"../../etc/passwd" is not the name`, false},
		{r.work, "refs/../config", `"refs/../config" is not the name`, false},
		{r.work, "-x", `"-x" is not the name`, false},
		{r.work, "main^{tree}", `"main^{tree}" is not the name`, false},
		{r.work, "main", "read main: no route files (*.yaml, *.yml) below the root of main", true},
		{sha256, "HEAD", "open the repository of " + sha256, false},
		{partial, commits[0], `"a.yaml": its content is not in this clone; fetch it without a filter`, false},
	} {
		_, _, err := at(t, c.dir, c.revision)
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, git.ErrNothing) != c.nothing {
			t.Errorf("%q: got error %v (ErrNothing: %t), want one with %q", c.revision, err, errors.Is(err, git.ErrNothing), c.want)
		}
	}
	// A folder that is new.
	folder := filepath.Join(r.work, "routes")
	writeFile(t, filepath.Join(folder, "a.yaml"), "a")
	if _, _, err := at(t, folder, empty); !errors.Is(err, git.ErrNothing) {
		t.Errorf("a folder that was not there yet: got error %v, want ErrNothing", err)
	}
}

func TestRemoteRevision(t *testing.T) {
	r, commits := history(t)
	get := func(revision string) (string, error) {
		t.Helper()
		rev, err := r.remote(func(o *git.RemoteOptions) { o.Branch, o.Revision = "", revision }).Fetch(t.Context())
		return rev.ID, err
	}
	for revision, want := range map[string]int{"main": 2, "feature/x": 0, "light": 0, "heavy": 1, "heavier": 1, commits[2]: 2} {
		if got, err := get(revision); got != commits[want] {
			t.Errorf("%s: got %s, error %v, want %s", revision, got, err, commits[want])
		}
	}
	for revision, want := range map[string]string{
		"next":                          "there is no branch or tag next on the remote; a commit is named by its whole hash",
		commits[1][:7]:                  "a commit is named by its whole hash",
		strings.Repeat("0123456789", 4): "the remote does not have that commit, or does not give it away by its hash",
	} {
		if _, err := get(revision); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want one with %q", revision, err, want)
		}
	}
	run(t, r.bare, "config", "uploadpack.allowAnySHA1InWant", "true")
	r.git("push", "--quiet", "--delete", "origin", "heavy", "heavier")
	if got, err := get(commits[1]); got != commits[1] {
		t.Errorf("a commit that no name leads to: got %s, error %v, want %s", got, err, commits[1])
	}
}
