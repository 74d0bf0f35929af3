package server

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// maxHookBytes is the largest hook that GitHub sends; the others send smaller
	// ones. None is kept: it goes through a hash as it comes.
	maxHookBytes = 25 << 20
	// maxHooksAtOnce is how many hooks' bodies are read at the same time.
	maxHooksAtOnce = 32
	// A secret is between these many bytes. GitLab's signing tokens have 50, and
	// below 16 one could be guessed from a hook that somebody has seen.
	minSecretBytes, maxSecretBytes = 16, 4 << 10
	// tellAgain is how long the log is silent about hooks that are refused.
	tellAgain = time.Minute
)

// Hooks takes the hooks of forges. All that a genuine one does is to wake: what is
// pushed is read from the repository, and never from a hook.
type Hooks struct {
	// SecretFile holds the secret that the forge knows, too. It is read at each
	// request, so it can be renewed. Blanks and line ends around it do not count.
	SecretFile string
	// Wake is called for each genuine hook, and does not block.
	Wake func()
	// Log tells of hooks that are refused: who asked, and why, and nothing of what
	// they sent.
	Log *slog.Logger
}

// proof is how a request shows that its sender knows the secret: what the hash of its
// body must be, or, without a hash, whether it did.
type proof struct {
	mac     hash.Hash
	sums    [][]byte // of which one must be the hash's
	genuine bool
}

var (
	errNoProof  = errors.New("there is no signature, or not the one that this path is for; is the secret set on the other side?")
	errNotProof = errors.New("the secret is not the one of this side")
)

// forges are the paths below /hooks/.
var forges = map[string]func(http.Header, []byte) (proof, error){
	"github":  github,
	"gitea":   gitea,
	"gitlab":  gitlab,
	"generic": generic,
}

// one answers a header that is there exactly once.
func one(h http.Header, name string) string {
	if values := h.Values(name); len(values) == 1 {
		return values[0]
	}
	return ""
}

// hexProof is a signature as GitHub, Gitea and Forgejo write it.
func hexProof(text string, secret []byte) (proof, error) {
	sum, err := hex.DecodeString(text)
	if err != nil || len(sum) != sha256.Size {
		return proof{}, errNoProof
	}
	return proof{mac: hmac.New(sha256.New, secret), sums: [][]byte{sum}}, nil
}

// github also signs with SHA-1, in X-Hub-Signature, which does not count.
func github(h http.Header, secret []byte) (proof, error) {
	text, ok := strings.CutPrefix(one(h, "X-Hub-Signature-256"), "sha256=")
	if !ok {
		return proof{}, errNoProof
	}
	return hexProof(text, secret)
}

// gitea is also Forgejo, which sends its own header and Gitea's. The first that is
// there counts, and none mends another.
func gitea(h http.Header, secret []byte) (proof, error) {
	for _, name := range []string{"X-Forgejo-Signature", "X-Gitea-Signature"} {
		if len(h.Values(name)) > 0 {
			return hexProof(one(h, name), secret)
		}
	}
	return github(h, secret)
}

// gitlab sends a signature as standardwebhooks.com has it where there is a signing
// token, and else the secret itself. The time in a signature does not matter: an
// old hook that is sent again wakes once more and does nothing else.
func gitlab(h http.Header, secret []byte) (proof, error) {
	if len(h.Values("Webhook-Signature")) == 0 {
		return token(one(h, "X-Gitlab-Token"), secret)
	}
	id, at := one(h, "Webhook-Id"), one(h, "Webhook-Timestamp")
	if id == "" || at == "" {
		return proof{}, errNoProof
	}
	var p proof
	for text := range strings.FieldsSeq(one(h, "Webhook-Signature")) {
		if text, ok := strings.CutPrefix(text, "v1,"); ok {
			if sum, err := base64.StdEncoding.DecodeString(text); err == nil && len(sum) == sha256.Size {
				p.sums = append(p.sums, sum)
			}
		}
	}
	if len(p.sums) == 0 {
		return proof{}, errNoProof
	}
	text, ok := bytes.CutPrefix(secret, []byte("whsec_"))
	key, err := base64.StdEncoding.DecodeString(string(text))
	if !ok || err != nil {
		return proof{}, errNotProof // it is no signing token
	}
	p.mac = hmac.New(sha256.New, key)
	fmt.Fprintf(p.mac, "%s.%s.", id, at)
	return p, nil
}

// generic is for whatever can send a header: a script, a job in CI.
func generic(h http.Header, secret []byte) (proof, error) {
	scheme, text, _ := strings.Cut(one(h, "Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return proof{}, errNoProof
	}
	return token(text, secret)
}

// token compares hashes, for a comparison of the texts would tell their lengths.
func token(text string, secret []byte) (proof, error) {
	if text == "" {
		return proof{}, errNoProof
	}
	got, want := sha256.Sum256([]byte(text)), sha256.Sum256(secret)
	return proof{genuine: subtle.ConstantTimeCompare(got[:], want[:]) == 1}, nil
}

// holds reads the body as far as the proof needs it.
func (p proof) holds(body io.Reader) (bool, error) {
	if p.mac == nil {
		return p.genuine, nil
	}
	if _, err := io.Copy(p.mac, body); err != nil {
		return false, err
	}
	sum, genuine := p.mac.Sum(nil), false
	for _, s := range p.sums {
		genuine = genuine || hmac.Equal(sum, s)
	}
	return genuine, nil
}

func (h *Hooks) secret() ([]byte, error) { return secretIn(h.SecretFile) }

// secretIn reads a secret as it is now. Blanks and line ends around it do not count.
func secretIn(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretBytes+1))
	if err != nil {
		return nil, err
	}
	if data = bytes.TrimSpace(data); len(data) < minSecretBytes || len(data) > maxSecretBytes {
		return nil, fmt.Errorf("the secret in %s has %d bytes; between %d and %d are right", file, len(data), minSecretBytes, maxSecretBytes)
	}
	return data, nil
}

// register adds the paths.
func (h *Hooks) register(mux *http.ServeMux) {
	if _, err := h.secret(); err != nil {
		h.Log.Error("no hook is taken until its secret can be read", "err", err)
	}
	reading := make(chan struct{}, maxHooksAtOnce)
	var refused quietly
	for name, prove := range forges {
		mux.HandleFunc("POST /hooks/"+name, func(w http.ResponseWriter, r *http.Request) {
			code, err := h.take(w, r, prove, reading)
			if err != nil {
				refused.warn(h.Log, "hook refused", "forge", name, "from", r.RemoteAddr, "status", code, "err", err)
				if code == http.StatusServiceUnavailable {
					err = errors.New("hooks are not taken at the moment")
				}
				if code == http.StatusUnauthorized {
					w.Header().Set("WWW-Authenticate", "Bearer") // RFC 9110, 15.5.2
				}
				http.Error(w, err.Error(), code)
				return
			}
			w.WriteHeader(code)
		})
	}
}

// take answers the status for a hook, and wakes if it is genuine. Nothing of it is
// read before its headers are in order.
func (h *Hooks) take(w http.ResponseWriter, r *http.Request, prove func(http.Header, []byte) (proof, error), reading chan struct{}) (code int, err error) {
	secret, err := h.secret()
	if err != nil {
		return http.StatusServiceUnavailable, err
	}
	p, err := prove(r.Header, secret)
	if err != nil {
		return http.StatusUnauthorized, err
	}
	if r.ContentLength > maxHookBytes {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("a hook has %d bytes at most", maxHookBytes)
	}
	if p.mac != nil {
		select {
		case reading <- struct{}{}:
			defer func() { <-reading }()
		default:
			return http.StatusServiceUnavailable, errors.New("too many hooks at once")
		}
	}
	genuine, err := p.holds(http.MaxBytesReader(w, r.Body, maxHookBytes))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("a hook has %d bytes at most", maxHookBytes)
	}
	switch {
	case err != nil:
		return http.StatusBadRequest, errors.New("the hook did not come to its end")
	case !genuine:
		return http.StatusUnauthorized, errNotProof
	case r.Header.Get("X-GitHub-Event") == "ping": // that the hook was set up
		return http.StatusNoContent, nil
	}
	h.Wake()
	return http.StatusAccepted, nil
}

// quietly logs the first of many complaints, and how many there were since.
type quietly struct {
	mu    sync.Mutex
	since time.Time
	more  int
}

func (q *quietly) warn(log *slog.Logger, message string, attrs ...any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if time.Since(q.since) < tellAgain {
		q.more++
		return
	}
	log.Warn(message, append(attrs, "more", q.more)...)
	q.since, q.more = time.Now(), 0
}
