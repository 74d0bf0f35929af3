package server

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The examples that GitHub and Standard Webhooks publish for those who check.
const (
	githubSecret, githubBody = "It's a Secret to Everybody", "Hello, World!"
	githubSum                = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	gitlabSecret, gitlabBody = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `{"test": 2432232314}`
	gitlabSum                = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

const secret, body = "0123456789abcdef0123456789abcdef", `{"ref":"refs/heads/main"}`

func sumOf(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, body)
	return hex.EncodeToString(mac.Sum(nil))
}

// hooked serves hooks with a secret, and counts what they wake.
type hooked struct {
	t     testing.TB
	url   string
	file  string
	log   *bytes.Buffer
	wakes atomic.Int32
}

func newHooked(t testing.TB, secret string) *hooked {
	t.Helper()
	h := &hooked{t: t, file: filepath.Join(t.TempDir(), "secret"), log: &bytes.Buffer{}}
	h.renew(secret)
	s := httptest.NewServer(siteOf(&Hooks{SecretFile: h.file, Wake: func() { h.wakes.Add(1) },
		Log: slog.New(slog.NewTextHandler(h.log, nil))}).handler(true))
	t.Cleanup(s.Close)
	h.url = s.URL
	return h
}

func (h *hooked) renew(secret string) {
	h.t.Helper()
	if err := os.WriteFile(h.file, []byte(secret), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// send makes a request and answers its status and how often it woke.
func (h *hooked) send(method, path string, headers http.Header, body io.Reader) (code int, woke bool) {
	h.t.Helper()
	req, err := http.NewRequest(method, h.url+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header = headers
	before := h.wakes.Load()
	client := http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || strings.Contains(string(answer), secret) {
		h.t.Errorf("%s %s: answer %q, error %v", method, path, answer, err)
	}
	return resp.StatusCode, h.wakes.Load() > before
}

// header reads a block of headers, as forges send them.
func header(text string) http.Header {
	h := http.Header{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			h.Add(name, value)
		}
	}
	return h
}

// What the forges send, as of GitHub in 2026, GitLab 19, Forgejo 12 and Gitea 1.24.
func fromGitHub(event, sum string) string {
	return `User-Agent: GitHub-Hookshot/044aadd
		Content-Type: application/json
		X-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958
		X-GitHub-Event: ` + event + `
		X-GitHub-Hook-ID: 292430182
		X-GitHub-Hook-Installation-Target-ID: 79929171
		X-GitHub-Hook-Installation-Target-Type: repository
		X-Hub-Signature: sha1=7d38cdd689735b008b3c702edd92eea23791c5f6
		X-Hub-Signature-256: sha256=` + sum
}

func fromForgejo(sum string) string {
	return `Content-Type: application/json
		X-Forgejo-Delivery: f6266f16-1bf3-46a5-9ea4-602e06ead473
		X-Forgejo-Event: push
		X-Forgejo-Signature: ` + sum + `
		X-GitHub-Delivery: f6266f16-1bf3-46a5-9ea4-602e06ead473
		X-GitHub-Event: push
		X-Gitea-Delivery: f6266f16-1bf3-46a5-9ea4-602e06ead473
		X-Gitea-Event: push
		X-Gitea-Signature: ` + sum + `
		X-Gogs-Event: push
		X-Gogs-Signature: ` + sum + `
		X-Hub-Signature: sha1=7d38cdd689735b008b3c702edd92eea23791c5f6
		X-Hub-Signature-256: sha256=` + sum
}

func fromGitea(sum string) string {
	all := strings.Split(fromForgejo(sum), "\n")
	return strings.Join(append(all[:1:1], all[4:]...), "\n")
}

func fromGitLab(proof string) string {
	return `User-Agent: GitLab/19.0.0
		Content-Type: application/json
		Idempotency-Key: f5e5f430-f57b-4e6e-9fac-d9128cd7232f
		X-Gitlab-Event: Push Hook
		X-Gitlab-Webhook-UUID: 13792a34-cac6-4fda-95a8-c58e00a3954e
		X-Gitlab-Instance: https://gitlab.example.org
		X-Gitlab-Event-UUID: 13792a34-cac6-4fda-95a8-c58e00a3954e
		` + proof
}

func signed(sums string) string {
	return "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\nwebhook-timestamp: 1614265330\nwebhook-signature: " + sums
}

func TestHooks(t *testing.T) {
	sum := sumOf(secret, body)
	passed := 0
	cases := []struct {
		name, secret, method, path, headers, body string
		want                                      int
	}{
		{"GitHub", githubSecret, "POST", "/hooks/github", fromGitHub("push", githubSum), githubBody, 202},
		{"GitHub, ping", githubSecret, "POST", "/hooks/github", fromGitHub("ping", githubSum), githubBody, 204},
		{"GitHub, a line end behind the secret", githubSecret + "\r\n", "POST", "/hooks/github", fromGitHub("push", githubSum), githubBody, 202},
		{"GitHub, ping with a wrong secret", secret, "POST", "/hooks/github", fromGitHub("ping", githubSum), githubBody, 401},
		{"GitHub, wrong secret", secret, "POST", "/hooks/github", fromGitHub("push", githubSum), githubBody, 401},
		{"GitHub, forged body", githubSecret, "POST", "/hooks/github", fromGitHub("push", githubSum), githubBody + "!", 401},
		{"GitHub, no secret there", githubSecret, "POST", "/hooks/github", strings.Split(fromGitHub("push", ""), "X-Hub-Signature:")[0], githubBody, 401},
		{"GitHub, SHA-1 alone", githubSecret, "POST", "/hooks/github", strings.Split(fromGitHub("push", ""), "X-Hub-Signature-256")[0], githubBody, 401},
		{"GitHub, half a sum", githubSecret, "POST", "/hooks/github", fromGitHub("push", githubSum[:32]), githubBody, 401},
		{"GitHub, an empty sum", githubSecret, "POST", "/hooks/github", fromGitHub("push", " "), githubBody, 401},
		{"GitHub, a sum of two", githubSecret, "POST", "/hooks/github", fromGitHub("push", githubSum+"\nX-Hub-Signature-256: sha256="+githubSum), githubBody, 401},
		{"GitHub, the secret itself", githubSecret, "POST", "/hooks/github", fromGitHub("push", githubSecret), githubBody, 401},
		{"GitHub at another path", githubSecret, "POST", "/hooks/gitlab", fromGitHub("push", githubSum), githubBody, 401},

		{"Forgejo", secret, "POST", "/hooks/gitea", fromForgejo(sum), body, 202},
		{"Forgejo, wrong secret", githubSecret, "POST", "/hooks/gitea", fromForgejo(sum), body, 401},
		{"Forgejo, forged", secret, "POST", "/hooks/gitea", fromForgejo(sumOf(githubSecret, body)), body, 401},
		{"Forgejo, of which one sum is right", secret, "POST", "/hooks/gitea", strings.Replace(fromForgejo(sum), sum, githubSum, 1), body, 401},
		{"Forgejo, no secret there", secret, "POST", "/hooks/gitea", fromForgejo(""), body, 401},
		{"Gitea", secret, "POST", "/hooks/gitea", fromGitea(sum), body, 202},
		{"Gitea, wrong secret", githubSecret, "POST", "/hooks/gitea", fromGitea(sum), body, 401},
		{"Gitea at GitHub's path", secret, "POST", "/hooks/github", fromGitea(sum), body, 202},

		{"GitLab, secret token", secret, "POST", "/hooks/gitlab", fromGitLab("X-Gitlab-Token: " + secret), body, 202},
		{"GitLab, wrong token", secret, "POST", "/hooks/gitlab", fromGitLab("X-Gitlab-Token: " + secret[1:]), body, 401},
		{"GitLab, no token", secret, "POST", "/hooks/gitlab", fromGitLab(""), body, 401},
		{"GitLab, two tokens", secret, "POST", "/hooks/gitlab", fromGitLab("X-Gitlab-Token: x\nX-Gitlab-Token: " + secret), body, 401},
		{"GitLab, signing token", gitlabSecret, "POST", "/hooks/gitlab", fromGitLab(signed("v1," + gitlabSum)), gitlabBody, 202},
		{"GitLab, signing token being renewed", gitlabSecret, "POST", "/hooks/gitlab", fromGitLab(signed("v1," + strings.Replace(gitlabSum, "g", "h", 1) + " v1a,x v1," + gitlabSum)), gitlabBody, 202},
		{"GitLab, signature forged", gitlabSecret, "POST", "/hooks/gitlab", fromGitLab(signed("v1," + gitlabSum)), gitlabBody + " ", 401},
		{"GitLab, signature of another time", gitlabSecret, "POST", "/hooks/gitlab", strings.Replace(fromGitLab(signed("v1,"+gitlabSum)), "1614265330", "1614265331", 1), gitlabBody, 401},
		{"GitLab, signature without a time", gitlabSecret, "POST", "/hooks/gitlab", strings.Replace(fromGitLab(signed("v1,"+gitlabSum)), "webhook-timestamp", "x", 1), gitlabBody, 401},
		{"GitLab, signature of another kind", gitlabSecret, "POST", "/hooks/gitlab", fromGitLab(signed("v2," + gitlabSum)), gitlabBody, 401},
		{"GitLab, signature and no signing token here", secret, "POST", "/hooks/gitlab", fromGitLab(signed("v1," + gitlabSum)), gitlabBody, 401},
		{"GitLab, a bad signature and the right token", secret, "POST", "/hooks/gitlab", fromGitLab(signed("v1,"+gitlabSum) + "\nX-Gitlab-Token: " + secret), gitlabBody, 401},

		{"generic", secret, "POST", "/hooks/generic", "Authorization: Bearer " + secret, "", 202},
		{"generic, lower case", secret, "POST", "/hooks/generic", "authorization: bearer " + secret, "anything", 202},
		{"generic, wrong secret", secret, "POST", "/hooks/generic", "Authorization: Bearer " + secret + "0", "", 401},
		{"generic, another scheme", secret, "POST", "/hooks/generic", "Authorization: Basic " + secret, "", 401},
		{"generic, nothing", secret, "POST", "/hooks/generic", "", "", 401},
		{"generic, in the query", secret, "POST", "/hooks/generic?token=" + secret, "", "", 401},

		{"an empty secret", "", "POST", "/hooks/generic", "Authorization: Bearer ", "", 503},
		{"an empty secret, and its sum", " \n", "POST", "/hooks/github", fromGitHub("push", sumOf("", body)), body, 503},
		{"a short secret", "0123456789abcde", "POST", "/hooks/generic", "Authorization: Bearer 0123456789abcde", "", 503},
		{"a file that is no secret", strings.Repeat("a", 5000), "POST", "/hooks/generic", "Authorization: Bearer " + strings.Repeat("a", 5000), "", 503},

		{"GET", secret, "GET", "/hooks/generic", "Authorization: Bearer " + secret, "", 405},
		{"PUT", secret, "PUT", "/hooks/generic", "Authorization: Bearer " + secret, "", 405},
		{"another path", secret, "POST", "/hooks/bitbucket", "Authorization: Bearer " + secret, "", 404},
		{"below the path", secret, "POST", "/hooks/generic/x", "Authorization: Bearer " + secret, "", 404},
		{"above the path", secret, "POST", "/hooks", "Authorization: Bearer " + secret, "", 404},
	}
	for _, c := range cases {
		h := newHooked(t, c.secret)
		code, woke := h.send(c.method, c.path, header(c.headers), strings.NewReader(c.body))
		if code != c.want || woke != (c.want == 202) {
			t.Errorf("%s: status %d, woke %v; want %d", c.name, code, woke, c.want)
			continue
		}
		for _, no := range []string{secret, githubSecret, gitlabSecret, githubSum, gitlabSum, body, githubBody} {
			if strings.Contains(h.log.String(), no) {
				t.Errorf("%s: the log tells %q:\n%s", c.name, no, h.log)
			}
		}
		passed++
	}
	t.Logf("hooks: %d of %d", passed, len(cases))
}

// endless is a body that never ends, and counts what was taken of it.
type endless struct{ taken atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.taken.Add(int64(len(p)))
	return len(p), nil
}

func TestHooksOversized(t *testing.T) {
	h := newHooked(t, secret)
	headers := header(fromGitHub("push", githubSum))
	large := make([]byte, maxHookBytes+1)

	// Announced: not a byte is read.
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(conn, "POST /hooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 26214401\r\nX-Hub-Signature-256: sha256="+githubSum+"\r\n\r\n")
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 413" {
		t.Errorf("announced: answer %q, error %v", answer, err)
	}

	// Not announced: it is read up to the limit.
	if code, woke := h.send("POST", "/hooks/github", headers, io.MultiReader(bytes.NewReader(large))); code != 413 || woke {
		t.Errorf("not announced: status %d, woke %v; want 413", code, woke)
	}
	// Nothing is read without a signature, or for a secret that stands in a header.
	for path, headers := range map[string]string{"/hooks/github": "", "/hooks/gitlab": "X-Gitlab-Token: x", "/hooks/generic": "Authorization: Bearer x"} {
		var body endless
		if code, woke := h.send("POST", path, header(headers), &body); code != 401 || woke {
			t.Errorf("%s without the secret: status %d, woke %v; want 401", path, code, woke)
		}
		if n := body.taken.Load(); n > 8<<20 { // what the kernels on the way hold
			t.Errorf("%s without the secret: %d bytes were taken", path, n)
		}
	}
	// The largest is taken.
	sum := sumOf(secret, string(large[1:]))
	if code, woke := h.send("POST", "/hooks/github", header(fromGitHub("push", sum)), bytes.NewReader(large[1:])); code != 202 || !woke {
		t.Errorf("the largest: status %d, woke %v; want 202", code, woke)
	}
}

// The secret is read anew each time, and those that are refused do not fill the log.
func TestHooksSecretIsRenewed(t *testing.T) {
	h := newHooked(t, secret)
	as := func(secret string, want int) {
		t.Helper()
		if code, _ := h.send("POST", "/hooks/generic", header("Authorization: Bearer "+secret), nil); code != want {
			t.Errorf("with %s: status %d, want %d", secret, code, want)
		}
	}
	as(secret, 202)
	h.renew(githubSecret)
	as(secret, 401)
	as(githubSecret, 202)
	if err := os.Remove(h.file); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		as(githubSecret, 503)
	}
	h.renew(secret)
	as(secret, 202)
	if n := strings.Count(h.log.String(), "\n"); n != 1 {
		t.Errorf("the log has %d lines, want 1:\n%s", n, h.log)
	}
}

// Slow senders take places up, and the rest is told so.
func TestHooksAtOnce(t *testing.T) {
	h := newHooked(t, secret)
	headers := "X-Hub-Signature-256: sha256=" + sumOf(secret, body)
	slow := func() { // takes a place until the test ends
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		io.WriteString(conn, "POST /hooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"+headers+"\r\n\r\n{")
	}
	for range maxHooksAtOnce {
		slow()
	}
	code := 0
	for end := time.Now().Add(10 * time.Second); code != 503 && time.Now().Before(end); { // until all have arrived
		if code, _ = h.send("POST", "/hooks/github", header(headers), strings.NewReader(body)); code != 503 {
			slow() // this request may have had the place of one that was sent away
		}
	}
	if code != 503 {
		t.Errorf("beside %d: status %d, want 503", maxHooksAtOnce, code)
	}
	if code, _ := h.send("POST", "/hooks/generic", header("Authorization: Bearer "+secret), nil); code != 202 {
		t.Errorf("one without a body: status %d, want 202", code)
	}
	if code, _ := h.send("GET", "/healthz", nil, nil); code != 200 {
		t.Errorf("/healthz: status %d, want 200", code)
	}
}

// Whatever comes, nobody wakes the daemon who does not know the secret.
func FuzzHooks(f *testing.F) {
	file := filepath.Join(f.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(gitlabSecret), 0o600); err != nil {
		f.Fatal(err)
	}
	var wakes atomic.Int32
	serve := siteOf(&Hooks{SecretFile: file, Wake: func() { wakes.Add(1) }, Log: slog.New(slog.DiscardHandler)}).handler(true)
	f.Add("github", fromGitHub("push", githubSum), []byte(githubBody))
	f.Add("gitea", fromForgejo(githubSum), []byte(body))
	f.Add("gitlab", fromGitLab(signed("v1,"+gitlabSum)), []byte(body))
	f.Add("gitlab", fromGitLab("X-Gitlab-Token: "+secret), []byte(body))
	f.Add("generic", "Authorization: Bearer "+secret, []byte(nil))
	f.Fuzz(func(t *testing.T, forge, headers string, body []byte) {
		req := httptest.NewRequest("POST", "/hooks/x", bytes.NewReader(body))
		req.URL.Path, req.Header = "/hooks/"+forge, header(headers)
		w := httptest.NewRecorder()
		serve.ServeHTTP(w, req)
		if w.Code < 300 || w.Code >= 500 || wakes.Load() > 0 {
			t.Errorf("%s with %q and %q: status %d, %d wakes", forge, headers, body, w.Code, wakes.Load())
		}
	})
}
