package feedback

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// Options say who is told.
type Options struct {
	// Source is the URL of the repository, https or ssh, of which the forge and the
	// name there are found.
	Source string
	// Folder is where the routes lie in the repository; empty for its root.
	Folder string
	// Forge is github, gitlab or gitea, or empty where no commit has a status.
	Forge string
	// URL is the forge's own, where it is not the host of Source by https.
	URL string
	// TokenFile holds a token that may set the status of commits: one line. It is
	// read for each.
	TokenFile string
	// CAFile holds certificates in PEM that alone vouch for the forge and for webhooks;
	// empty for the system's. Chats are asked as the system trusts them.
	CAFile string
	// AllowHTTP permits http to the forge and to webhooks, where anybody on the way
	// can read tokens. To this machine it always goes.
	AllowHTTP bool
	// NotifyFile holds the URLs of webhooks and chats, one a line; empty for none. It
	// is read once.
	NotifyFile string
	// Log hears of what cannot be told.
	Log *slog.Logger
}

// Open returns a Desk, or nil where nobody is to be told. The error says which
// option is wrong, and repeats no secret.
func Open(o Options) (*Desk, error) {
	d := &Desk{log: o.Log}
	var at *forge
	if o.Forge != "" {
		f, err := newForge(o)
		if err != nil {
			return nil, err
		}
		at = f
		d.boxes = append(d.boxes, newMailbox(f))
	}
	if o.NotifyFile != "" {
		receivers, err := readReceivers(o, at)
		if err != nil {
			return nil, fmt.Errorf("read who is notified: %w", err)
		}
		for _, r := range receivers {
			d.boxes = append(d.boxes, newMailbox(r))
		}
	}
	if len(d.boxes) == 0 {
		return nil, nil
	}
	return d, nil
}

// readReceivers reads one a line; what begins with # is for people.
func readReceivers(o Options, at *forge) ([]receiver, error) {
	data, err := os.ReadFile(o.NotifyFile)
	if err != nil {
		return nil, err
	}
	var all []receiver
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, err := newReceiver(o, at, line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", o.NotifyFile, number, err)
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s names nobody", o.NotifyFile)
	}
	return all, nil
}

// authorities are those of a file in PEM; nil for the system's.
func authorities(file string) (*tls.Config, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("read the certificates: %s holds none in PEM", file)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}
