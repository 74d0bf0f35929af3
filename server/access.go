package server

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Access says who sees what is live: who has the token, where there is one; else
// whoever can reach a loopback address, or one with TLS. Elsewhere nobody does.
type Access struct {
	// TokenFile holds the token that requests carry (Authorization: Bearer). It is read
	// at each request, so it can be renewed.
	TokenFile string
	// CertFile and KeyFile have everything served over TLS, in PEM. They are read again
	// when they change; a pair that does not fit leaves the one before.
	CertFile, KeyFile string
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// guard lets those in who may see it. alone says that only this machine can ask.
func (a Access) guard(alone bool, inside http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case a.TokenFile == "" && (alone || a.CertFile != ""):
			inside.ServeHTTP(w, r)
			return
		case a.TokenFile == "":
			http.Error(w, "whoever reaches this address could ask: start with --listen-token-file, with --listen-cert and --listen-key, or listen on 127.0.0.1", http.StatusForbidden)
			return
		}
		secret, err := secretIn(a.TokenFile)
		if err != nil {
			http.Error(w, "the token cannot be read at the moment", http.StatusServiceUnavailable)
			return
		}
		if p, err := generic(r.Header, secret); err != nil || !p.genuine {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "this wants the token of --listen-token-file: Authorization: Bearer TOKEN", http.StatusUnauthorized)
			return
		}
		inside.ServeHTTP(w, r)
	})
}

// overTLS wraps a listener, where there is a certificate.
func (a Access) overTLS(listener net.Listener) (net.Listener, error) {
	if a.CertFile == "" {
		return listener, nil
	}
	pair := &certificate{access: a}
	if _, err := pair.get(nil); err != nil {
		listener.Close()
		return nil, err
	}
	return tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get, NextProtos: []string{"http/1.1"}}), nil
}

// certificate is a pair of files, read again when they change.
type certificate struct {
	access Access
	mu     sync.Mutex
	pair   *tls.Certificate
	read   [2]time.Time // when the files that pair is of were written
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var written [2]time.Time
	for i, file := range []string{c.access.CertFile, c.access.KeyFile} {
		if info, err := os.Stat(file); err == nil {
			written[i] = info.ModTime()
		}
	}
	if c.pair != nil && written == c.read {
		return c.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(c.access.CertFile, c.access.KeyFile)
	if err != nil {
		if c.pair != nil {
			return c.pair, nil // one of the two may be written already, and the other not yet
		}
		return nil, err
	}
	c.pair, c.read = &pair, written
	return c.pair, nil
}
