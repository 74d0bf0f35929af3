package feedback

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// newReceiver takes http and https for a webhook, and everything else for a chat as
// shoutrrr writes it.
func newReceiver(o Options, at *forge, line string) (receiver, error) {
	u, err := url.Parse(line)
	if err != nil || u.Scheme == "" {
		return nil, errors.New("is not a URL") // and not which: it holds a token
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		var none router.ServiceRouter
		service, err := none.Locate(line)
		if err != nil {
			return nil, errors.New("is not the URL of a chat that shoutrrr knows: " + hide(err.Error(), u))
		}
		return &chat{service, u, at}, nil
	}
	if u.Host == "" || u.Scheme == "http" && !o.AllowHTTP && !isLoopback(u.Hostname()) {
		return nil, errors.New("is not https, so anybody on the way could read it")
	}
	client, err := newClient(o.CAFile)
	if err != nil {
		return nil, err
	}
	return &webhook{u, client, at}, nil
}

// notable leaves out that a push is on its way: it is good news soon, or bad.
func notable(n news) bool { return n.state != pending || len(n.problems) > 0 }

// webhook gets JSON.
type webhook struct {
	url    *url.URL
	client *http.Client
	at     *forge // nil where it is not known
}

func (w *webhook) String() string    { return "webhook at " + w.url.Host }
func (w *webhook) wants(n news) bool { return notable(n) }

// told is a problem in JSON, as check --format json has it.
type told struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Object string `json:"object"`
	Text   string `json:"text"`
	Hint   string `json:"hint"`
}

func (w *webhook) send(ctx context.Context, n news) error {
	problems := []told{}
	for _, p := range n.problems {
		problems = append(problems, told{p.Pos.File, p.Pos.Line, p.Pos.Col, p.Object, p.Text, p.Hint})
	}
	body, err := json.Marshal(map[string]any{
		"version": 1, "revision": n.revision, "state": n.state, "text": n.text(), "link": linkOf(w.at, n), "problems": problems,
	})
	if err != nil {
		return useless(err.Error())
	}
	_, err = post(ctx, w.client, w.url.String(), body, http.Header{})
	return err
}

func linkOf(at *forge, n news) string {
	if at == nil {
		return ""
	}
	return at.link(n)
}

// chat is a service of shoutrrr's.
type chat struct {
	service types.Service
	url     *url.URL
	at      *forge
}

func (c *chat) String() string    { return "chat by " + c.url.Scheme }
func (c *chat) wants(n news) bool { return notable(n) }

// unmarked keeps what others have written from calling anybody: a problem repeats
// words of the routes.
var unmarked = strings.NewReplacer("@", "@\u200b", "<", "<\u200b")

func (c *chat) send(ctx context.Context, n news) error {
	text := "routes " + shown(n.revision) + ": " + unmarked.Replace(n.text())
	if link := linkOf(c.at, n); link != "" {
		text += "\n" + link
	}
	// Not every service has a time limit, and none knows the context.
	sent := make(chan error, 1)
	go func() { sent <- c.service.Send(text, &types.Params{}) }()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-sent:
		if err != nil {
			return errors.New(hide(err.Error(), c.url))
		}
		return nil
	}
}

// address is any URL in a text, up to what could end it.
var address = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"'<>]+`)

// hide takes out of an error what may be secret: every URL, and every part of the
// chat's own. shoutrrr repeats them.
func hide(text string, of *url.URL) string {
	text = address.ReplaceAllString(text, "***")
	parts := strings.FieldsFunc(of.Path+"/"+of.EscapedPath()+"/"+of.RawQuery, func(r rune) bool { return strings.ContainsRune("/&=:@,%", r) })
	if of.User != nil {
		password, _ := of.User.Password()
		parts = append(parts, of.User.Username(), password)
	}
	for _, part := range append(parts, of.Host) {
		if len(part) >= 3 {
			text = strings.ReplaceAll(text, part, "***")
		}
	}
	return strings.Join(strings.Fields(text), " ")
}
