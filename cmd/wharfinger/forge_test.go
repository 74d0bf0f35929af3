package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// remark is one comment on a change.
type remark struct {
	id           int
	author, body string
}

// forge is the part of a forge's API that a recipe speaks to, for change 7 of the
// project ops/routes: it keeps comments, and everybody may change only their own.
type forge struct {
	*httptest.Server
	api   string // the URL that a job is told
	token string // of the job

	mu      sync.Mutex
	remarks []remark
	asked   []string // methods and paths, in order
	faults  int      // so many answers are 502
}

// dialect is what differs between the APIs of forges.
type dialect struct {
	root      string // below the server's own
	auth      string // before the token
	me        string // who comments with it
	remarks   string // path of the list, below the root
	remark    *regexp.Regexp
	change    string // the method that changes one
	order     string // a query that asks for the oldest first; empty where they come so
	authorKey string // of the user in JSON: login or id
}

// The paths, methods and fields are those of docs.github.com/rest/issues/comments,
// of /api/swagger on any Gitea or Forgejo, and of docs.gitlab.com/api/notes.
var dialects = map[string]dialect{
	"github": {"", "Bearer ", "github-actions[bot]", "/repos/ops/routes/issues/7/comments",
		regexp.MustCompile(`^/repos/ops/routes/issues/comments/(\d+)$`), http.MethodPatch, "", "login"},
	"forgejo": {"/api/v1", "token ", "forgejo-actions", "/repos/ops/routes/issues/7/comments",
		regexp.MustCompile(`^/repos/ops/routes/issues/comments/(\d+)$`), http.MethodPatch, "", "login"},
	"gitlab": {"/api/v4", "Bearer ", "42", "/projects/3/merge_requests/7/notes",
		regexp.MustCompile(`^/projects/3/merge_requests/7/notes/(\d+)$`), http.MethodPut, "asc", "id"},
}

func newForge(t *testing.T, name string) *forge {
	t.Helper()
	d := dialects[name]
	f := &forge{token: "s3cret-of-the-job", remarks: []remark{
		{11, "1001", "Please have a look."},
		{12, "1002", "<!-- wharfinger -->\nnothing to see here"}, // somebody's joke, or worse
	}}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asked = append(f.asked, r.Method+" "+r.URL.Path)
		if f.faults > 0 {
			f.faults--
			http.Error(w, "bad gateway", http.StatusBadGateway)
			return
		}
		if code, err := f.answer(d, w, r); err != nil {
			t.Errorf("%s: %s %s: %v", name, r.Method, r.URL, err)
			http.Error(w, err.Error(), code)
		}
	}))
	f.api = f.URL + d.root
	t.Cleanup(f.Close)
	return f
}

// answer does what is asked; where that cannot be it says why, with the status.
func (f *forge) answer(d dialect, w http.ResponseWriter, r *http.Request) (int, error) {
	if got := r.Header.Get("Authorization"); got != d.auth+f.token {
		return http.StatusUnauthorized, fmt.Errorf("got the authorization %q", got)
	}
	path, below := strings.CutPrefix(r.URL.Path, d.root)
	one := d.remark.FindStringSubmatch(path)
	switch {
	case !below:
	case r.Method == http.MethodGet && path == "/user" && d.authorKey == "id":
		fmt.Fprintf(w, `{"id": %s, "username": "project_3_bot"}`, d.me)
		return 0, nil
	case r.Method == http.MethodGet && path == d.remarks:
		if r.URL.Query().Get("sort") != d.order {
			return http.StatusBadRequest, fmt.Errorf("the newest come first")
		}
		list := []any{}
		for _, c := range f.remarks {
			list = append(list, d.told(c))
		}
		json.NewEncoder(w).Encode(list)
		return 0, nil
	case r.Method == http.MethodPost && path == d.remarks:
		body, err := bodyOf(r)
		if err != nil {
			return http.StatusUnprocessableEntity, err
		}
		f.remarks = append(f.remarks, remark{len(f.remarks) + 11, d.me, body})
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(d.told(f.remarks[len(f.remarks)-1]))
		return 0, nil
	case r.Method == d.change && one != nil:
		id, _ := strconv.Atoi(one[1])
		i := slices.IndexFunc(f.remarks, func(c remark) bool { return c.id == id && c.author == d.me })
		if i < 0 {
			return http.StatusForbidden, fmt.Errorf("no comment %d of %s", id, d.me)
		}
		body, err := bodyOf(r)
		if err != nil {
			return http.StatusUnprocessableEntity, err
		}
		f.remarks[i].body = body
		json.NewEncoder(w).Encode(d.told(f.remarks[i]))
		return 0, nil
	}
	return http.StatusNotFound, fmt.Errorf("there is no such thing")
}

// told is a comment as the forge writes it.
func (d dialect) told(c remark) any {
	if d.authorKey == "id" {
		id, _ := strconv.Atoi(c.author)
		return map[string]any{"id": c.id, "body": c.body, "author": map[string]any{"id": id}}
	}
	return map[string]any{"id": c.id, "body": c.body, "user": map[string]any{"login": c.author}}
}

func bodyOf(r *http.Request) (string, error) {
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		return "", fmt.Errorf("got the content type %q", got)
	}
	var sent struct{ Body string }
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&sent); err != nil {
		return "", err
	}
	if sent.Body == "" {
		return "", fmt.Errorf("an empty comment")
	}
	return sent.Body, nil
}

// mine are the comments of the job, and rest those of everybody else.
func (f *forge) mine(me string) (mine, rest []remark) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.remarks {
		if c.author == me {
			mine = append(mine, c)
		} else {
			rest = append(rest, c)
		}
	}
	return mine, rest
}

// since returns what was asked since it was called last.
func (f *forge) since() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := f.asked
	f.asked = nil
	return asked
}
