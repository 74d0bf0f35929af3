package feedback

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// forges are how each forge is spoken to, for the repository ops/routes.
var forges = map[string]struct {
	path, header, value, name, line, commit string
}{
	"github": {"/api/v3/repos/ops/routes/statuses/", "Authorization", "Bearer " + token, "context", "/ops/routes/blob/" + second + "/edge/team%20a/shop.yaml#L8", "/ops/routes/commit/"},
	"gitea":  {"/api/v1/repos/ops/routes/statuses/", "Authorization", "token " + token, "context", "/ops/routes/src/commit/" + second + "/edge/team%20a/shop.yaml#L8", "/ops/routes/commit/"},
	"gitlab": {"/api/v4/projects/ops%2Froutes/statuses/", "Private-Token", token, "name", "/ops/routes/-/blob/" + second + "/edge/team%20a/shop.yaml#L8", "/ops/routes/-/commit/"},
}

func TestOperateCommitStatus(t *testing.T) {
	for kind, want := range forges {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, nil)
			d, _ := open(t, Options{Source: "git@git.example.org:ops/routes.git", Folder: "edge", Forge: kind, URL: s.URL, TokenFile: file(t, token+"\n")})
			d.Coming(first, nil)
			s.wait(t, 1)
			d.Live(first)
			s.wait(t, 2)
			d.Refused(second, mistake)
			d.Live("dir-0123456789") // no commit
			for i, r := range s.wait(t, 3) {
				sha := []string{first, first, second}[i]
				wanted := map[string]any{
					"state":       []string{"pending", "success", "failure"}[i],
					want.name:     "wharfinger",
					"description": []string{"on its way to the proxies", "every proxy serves it", "refused: team a/shop.yaml:8:11: there is no pool shopp (did you mean shop?) and 1 more"}[i],
					"target_url":  s.URL + []string{want.commit + first, want.commit + first, want.line}[i],
				}
				if r.path != want.path+sha || r.header.Get(want.header) != want.value || fmt.Sprint(r.body) != fmt.Sprint(wanted) {
					t.Errorf("got %s with %v and %v\nwant %s with %s: %s and %v", r.path, r.header, r.body, want.path+sha, want.header, want.value, wanted)
				}
			}
		})
	}
}

// TestOperateFeedbackFaults has a forge that fails in each way. Telling returns all
// the same, and what can be told in the end is.
func TestOperateFeedbackFaults(t *testing.T) {
	code := func(code int, then ...string) func(int, http.ResponseWriter, *http.Request) {
		return func(n int, w http.ResponseWriter, _ *http.Request) {
			if n == 1 {
				w.WriteHeader(code)
				fmt.Fprint(w, strings.Join(then, ""))
			}
		}
	}
	for name, c := range map[string]struct {
		forge  string
		answer func(int, http.ResponseWriter, *http.Request)
		said   string // by the log
		tries  int
	}{
		"server error":   {"github", code(500), "HTTP status 500", 2},
		"wrong token":    {"gitlab", code(401), "HTTP status 401: it refuses the token in ", 2},
		"unknown commit": {"gitea", code(404), "it has no repository ops/routes with that commit", 2},
		"refused":        {"github", code(422), "this is told to nobody", 1},
		"redirect":       {"github", code(302), "this is told to nobody", 1},
		"so already":     {"gitlab", code(400, `{"message":"Cannot transition status via :enqueue from :pending"}`), "", 1},
		"bad request":    {"gitlab", code(400, `{"message":"state does not have a valid value"}`), "this is told to nobody", 1},
		"come again": {"github", func(n int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "2")
			code(429)(n, w, r)
		}, "it asks to come again after 2s", 2},
		"breaks off": {"gitea", func(n int, w http.ResponseWriter, _ *http.Request) {
			if n == 1 {
				panic(http.ErrAbortHandler)
			}
		}, "EOF", 2},
		"silent, then well": {"gitea", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				hang(r)
			}
		}, "gave up after 15s without an answer", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, c.answer)
			d, log := open(t, Options{Source: "https://git.example.org/ops/routes", Forge: c.forge, URL: s.URL, TokenFile: file(t, token)})
			d.Live(first)
			waitFor(t, log.has(c.said))
			s.wait(t, c.tries)
			waitFor(t, func() bool { _, ok := d.boxes[0].next(); return !ok })
			if c.tries > 1 {
				waitFor(t, log.has("well again"))
			}
			if got := len(s.got()); got != c.tries {
				t.Errorf("the forge was asked %d times, want %d:\n%s", got, c.tries, log)
			}
			if strings.Contains(log.String(), token) {
				t.Errorf("the log holds the token:\n%s", log)
			}
		})
	}
}

// TestOperateFeedbackWhileDown has a forge that is down for long: telling never
// waits, the mailbox stays small, and what is told then is how things stand.
func TestOperateFeedbackWhileDown(t *testing.T) {
	s := newServer(t, nil)
	s.Close()
	tokenFile := file(t, token)
	d, log := open(t, Options{Source: "https://git.example.org/ops/routes", Forge: "gitea", URL: s.URL, TokenFile: tokenFile})
	d.Coming(first, nil)
	waitFor(t, log.has("connection refused"))
	for i := range 1000 {
		d.Coming(fmt.Sprintf("%040x", i), nil)
		d.Live(fmt.Sprintf("%040x", i))
	}
	b := d.boxes[0]
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.letters) != most {
		t.Errorf("got %d letters, want %d", len(b.letters), most)
	}
	for i, l := range b.letters {
		if want := fmt.Sprintf("%040x", 1000-most+i); l.revision != want || l.state != success {
			t.Errorf("letter %d: got %s of %s, want success of %s", i, l.state, l.revision, want)
		}
	}
}

// TestOperateTokenIsRenewed holds that a token counts as soon as its file has it.
func TestOperateTokenIsRenewed(t *testing.T) {
	var renewed string
	s := newServer(t, nil)
	tokenFile := file(t, "")
	d, log := open(t, Options{Source: "https://git.example.org/ops/routes", Forge: "gitea", URL: s.URL, TokenFile: tokenFile})
	d.Live(first)
	waitFor(t, log.has("does not hold one line"))
	renewed = "renewed-token"
	if err := os.WriteFile(tokenFile, []byte(renewed+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.wait(t, 1)[0].header.Get("Authorization"); got != "token "+renewed {
		t.Errorf("got %q, want the renewed token", got)
	}
}

func TestOperateNotify(t *testing.T) {
	hook, chat := newServer(t, nil), newServer(t, nil)
	host := strings.TrimPrefix(chat.URL, "http://")
	d, _ := open(t, Options{
		Source: "https://git.example.org/ops/routes.git", Forge: "gitea", URL: hook.URL, TokenFile: file(t, token),
		NotifyFile: file(t, "# who wants to know\n"+hook.URL+"/hook/s3cret-path\n\nmattermost://wharfinger@"+host+"/s3cret-token/ops?disabletls=yes\n"),
	})
	d.Coming(first, nil) // a status alone
	hook.wait(t, 1)
	bad := mistake[:1:1]
	bad[0].Text = "there is no pool @channel <!here>"
	d.Refused(second, bad)
	for _, r := range hook.wait(t, 3) {
		if r.path != "/hook/s3cret-path" {
			continue
		}
		problem := map[string]any{"file": "team a/shop.yaml", "line": 8.0, "column": 11.0, "object": "", "text": bad[0].Text, "hint": bad[0].Hint}
		want := map[string]any{"version": 1.0, "revision": second, "state": "failure", "text": "refused: " + bad[0].String(),
			"link": hook.URL + "/ops/routes/src/commit/" + second + "/team%20a/shop.yaml#L8", "problems": []any{problem}}
		if fmt.Sprint(r.body) != fmt.Sprint(want) {
			t.Errorf("the webhook got %v, want %v", r.body, want)
		}
	}
	said := chat.wait(t, 1)[0]
	if text, _ := said.body["text"].(string); said.path != "/hooks/s3cret-token" || !strings.HasPrefix(text, "routes 2222222: refused: team a/shop.yaml:8:11: ") || strings.Contains(text, "@channel") || strings.Contains(text, "<!here>") {
		t.Errorf("the chat got %s at %s", said.text, said.path)
	}
}

// TestOperateNotifyHidesSecrets has a chat and a webhook that are down: the log says
// so, and nothing of their URLs but where they are.
func TestOperateNotifyHidesSecrets(t *testing.T) {
	gone := newServer(t, nil)
	gone.Close()
	host := strings.TrimPrefix(gone.URL, "http://")
	d, log := open(t, Options{NotifyFile: file(t, gone.URL+"/s3cret-path?key=s3cret-key\nmattermost://s3cret-user@"+host+"/s3cret-token?disabletls=yes\n")})
	d.Live("dir-0123")
	waitFor(t, log.has(`what="webhook at `))
	waitFor(t, log.has(`what="chat by mattermost"`))
	if strings.Contains(log.String(), "s3cret") {
		t.Errorf("the log holds a secret:\n%s", log)
	}
}

// TestOperateSlowChatHoldsNobodyUp has a chat that never answers beside a forge.
func TestOperateSlowChatHoldsNobodyUp(t *testing.T) {
	chat := newServer(t, func(_ int, _ http.ResponseWriter, r *http.Request) { hang(r) })
	s := newServer(t, nil)
	d, _ := open(t, Options{
		Source: "https://git.example.org/ops/routes", Forge: "github", URL: s.URL, TokenFile: file(t, token),
		NotifyFile: file(t, "mattermost://"+strings.TrimPrefix(chat.URL, "http://")+"/token?disabletls=yes"),
	})
	d.Live(first)
	chat.wait(t, 1)
	d.Live(second)
	if got := s.wait(t, 2); !strings.HasSuffix(got[1].path, second) {
		t.Errorf("got %s, want the second commit", got[1].path)
	}
}

func TestOperateFeedbackOptions(t *testing.T) {
	tokens := file(t, token)
	for name, c := range map[string]struct {
		o    Options
		want string // the error holds it; empty for none
		api  string
	}{
		"nobody":             {Options{Source: "/routes"}, "", ""},
		"GitHub":             {Options{Source: "https://github.com/ops/routes.git", Forge: "github", TokenFile: tokens}, "", "https://api.github.com"},
		"GitHub by ssh":      {Options{Source: "ssh://git@github.com:22/ops/routes.git", Forge: "github", TokenFile: tokens}, "", "https://api.github.com"},
		"a group of groups":  {Options{Source: "https://git.example.org/a/b/routes", Forge: "gitlab", TokenFile: tokens}, "", "https://git.example.org/api/v4"},
		"below a path":       {Options{Source: "https://example.org/git/ops/routes", Forge: "gitea", URL: "https://example.org/git/", TokenFile: tokens}, "", "https://example.org/git/api/v1"},
		"another port":       {Options{Source: "https://git.example.org:8443/ops/routes", Forge: "gitea", TokenFile: tokens}, "", "https://git.example.org:8443/api/v1"},
		"unknown forge":      {Options{Source: "https://git.example.org/ops/routes", Forge: "gerrit", TokenFile: tokens}, "is github, gitlab or gitea", ""},
		"no token":           {Options{Source: "https://git.example.org/ops/routes", Forge: "gitea"}, "takes a token", ""},
		"a directory":        {Options{Source: "./routes", Forge: "gitea", TokenFile: tokens}, "a directory's files are no commit", ""},
		"http":               {Options{Source: "http://git.example.org/ops/routes", Forge: "gitea", TokenFile: tokens}, "is not https", ""},
		"http, permitted":    {Options{Source: "http://git.example.org/ops/routes", Forge: "gitea", TokenFile: tokens, AllowHTTP: true}, "", "http://git.example.org/api/v1"},
		"no repository":      {Options{Source: "https://github.com/routes", Forge: "github", TokenFile: tokens}, "it is OWNER/NAME", ""},
		"no URL":             {Options{Source: "https://git.example.org/ops/routes", Forge: "gitea", URL: "git.example.org", TokenFile: tokens}, "write https://", ""},
		"no CA":              {Options{Source: "https://git.example.org/ops/routes", Forge: "gitea", TokenFile: tokens, CAFile: tokens}, "holds none in PEM", ""},
		"no file":            {Options{NotifyFile: "/nowhere/urls"}, "no such file", ""},
		"an empty file":      {Options{NotifyFile: file(t, "# nobody\n")}, "names nobody", ""},
		"an unknown chat":    {Options{NotifyFile: file(t, "\npigeon://s3cret-loft/s3cret\n")}, ":2: is not the URL of a chat", ""},
		"a chat without all": {Options{NotifyFile: file(t, "slack://s3cret\n")}, "is not the URL of a chat", ""},
		"no URL of a hook":   {Options{NotifyFile: file(t, "s3cret\n")}, "is not a URL", ""},
		"a hook by http":     {Options{NotifyFile: file(t, "http://example.org/s3cret\n")}, "is not https", ""},
	} {
		d, err := Open(c.o)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), token)) {
			t.Errorf("%s: the error holds a secret: %v", name, err)
		}
		if c.api != "" {
			if got := d.boxes[0].to.(*forge).apiURL; got != c.api {
				t.Errorf("%s: got the API at %s, want %s", name, got, c.api)
			}
		} else if d != nil {
			t.Errorf("%s: got a desk, want none", name)
		}
	}
}

// TestHide holds that nothing of a chat's URL stays in an error.
func TestHide(t *testing.T) {
	of, err := url.Parse("telegram://12345:s3cret-A@telegram?chats=@s3cret-chat")
	if err != nil {
		t.Fatal(err)
	}
	got := hide("sending to \"https://api.telegram.org/bot12345:s3cret-A/send\": s3cret-chat\nis not s3cret-A", of)
	if strings.Contains(got, "s3cret") || strings.Contains(got, "\n") || !strings.Contains(got, "sending to") {
		t.Errorf("got %q", got)
	}
}
