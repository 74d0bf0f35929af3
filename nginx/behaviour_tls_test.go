package nginx_test

import (
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// certified adds the secrets NAME and NAME-key with a certificate for hosts.
func (w *wharf) certified(t *testing.T, name string, hosts ...string) {
	t.Helper()
	cert, key := w.cert(t, hosts...)
	w.secret(name, cert)
	w.secret(name+"-key", key)
}

// oneTLS is a host with a certificate, and what else tls says.
const oneTLS = `
pools: {shop: {servers: [{{shop}}]}}
routes: {shop: {hosts: [shop.example], pool: shop, tls: {cert: shop, key: shop-key%s}}}
`

func (w *wharf) serveTLS(t *testing.T, more string) {
	t.Helper()
	w.certified(t, "shop", "shop.example")
	w.serve(t, fmt.Sprintf(oneTLS, more))
}

// withoutName sends no name in the handshake, as for an address.
func withoutName() option { return withName("127.0.0.1") }

// withName has the handshake made for another name than the request.
func withName(name string) option {
	return withTLS(func(c *tls.Config) { c.ServerName, c.InsecureSkipVerify = name, true })
}

func tlsCertificates(t *testing.T, w *wharf) {
	w.certified(t, "shop", "shop.example")
	w.certified(t, "wild", "*.wild.example")
	w.certified(t, "exact", "exact.wild.example")
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, other: {servers: [{{other}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, tls: {cert: shop, key: shop-key}}
		  part: {hosts: [shop.example], paths: [/part], pool: other}
		  wild: {hosts: ["*.wild.example"], pool: shop, tls: {cert: wild, key: wild-key}}
		  exact: {hosts: [exact.wild.example], pool: other, tls: {cert: exact, key: exact-key}}
	`)
	for _, c := range []struct{ url, name, peer string }{
		{"https://shop.example/", "shop.example", "shop"},
		{"https://shop.example/part", "shop.example", "other"},
		{"https://a.wild.example/", "*.wild.example", "shop"},
		{"https://exact.wild.example/", "exact.wild.example", "other"},
	} {
		a := w.get(t, c.url)
		if got := a.TLS.PeerCertificates[0].DNSNames; a.Status != 200 || a.Peer != c.peer || !slices.Equal(got, []string{c.name}) {
			t.Errorf("%s: got %d from %q with the certificate of %s, want 200 from %s with that of %s", c.url, a.Status, a.Peer, got, c.peer, c.name)
		}
		if got := a.Saw.Header; got.Get("X-Forwarded-Proto") != "https" || got.Get("X-Forwarded-Port") != fmt.Sprint(w.port(t, "https")) {
			t.Errorf("%s: the peer sees %v, want https and the port", c.url, got)
		}
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, tls: {cert: shop, key: shop-key}}
		  part: {hosts: [shop.example], paths: [/part], pool: shop, tls: {cert: part, key: part-key}}
	`, "routes.yaml:4:66: host shop.example has another tls.cert in route shop, at routes.yaml:3:3")
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, tls: {cert: shop}}}
	`, "routes.yaml:2:64: this certificate has no key")
}

// Defaults give every host of the proxy a certificate; a host may have its own.
func tlsDefaults(t *testing.T, w *wharf) {
	w.certified(t, "wild", "*.example")
	w.certified(t, "shop", "shop.example")
	w.serve(t, `
		proxies:
		  edge:
		    image: "nginx:{{version}}"
		    listen: {http: {{http}}, https: {{https}}}
		    status: {port: {{status}}}
		    defaults: {tls: {cert: wild, key: wild-key, plain: refuse}}
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  a: {hosts: [shop.example], paths: [/a], pool: shop}
		  shop: {hosts: [shop.example], pool: shop, tls: {cert: shop, key: shop-key}}
		  other: {hosts: [other.example], pool: shop}
	`)
	for host, want := range map[string]string{"shop.example": "shop.example", "other.example": "*.example"} {
		a := w.get(t, "https://"+host+"/a")
		if got := a.TLS.PeerCertificates[0].DNSNames[0]; a.Peer != "shop" || got != want {
			t.Errorf("%s: got %d from %q with the certificate of %s, want shop with that of %s", host, a.Status, a.Peer, got, want)
		}
		if a := w.get(t, "http://"+host+"/a"); a.Status != 404 {
			t.Errorf("%s over plain HTTP: got %d, want 404", host, a.Status)
		}
	}
}

func tlsUnknownName(t *testing.T, w *wharf) {
	w.certified(t, "shop", "shop.example", "plain.example", "unknown.example")
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, tls: {cert: shop, key: shop-key}}
		  plain: {hosts: [plain.example], pool: shop}
	`)
	for name, option := range map[string]option{
		"an unknown name": withName("unknown.example"), "a host without TLS": withName("plain.example"), "no name": withoutName(),
	} {
		if a, err := w.try(t, "https://shop.example/", option); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("%s: got %+v and %v, want a handshake that is rejected", name, a, err)
		}
	}
	// Behind a known name, another host is asked for.
	for _, host := range []string{"unknown.example", "plain.example"} {
		if a := w.get(t, "https://"+host+"/", withName("shop.example")); a.Status != http.StatusMisdirectedRequest || a.Peer != "" {
			t.Errorf("%s behind another name: got %d from %q, want 421", host, a.Status, a.Peer)
		}
	}
	if a := w.get(t, "http://plain.example/"); a.Peer != "shop" {
		t.Errorf("a host without TLS, over plain HTTP: got %d from %q, want shop", a.Status, a.Peer)
	}
}

func tlsAnyName(t *testing.T, w *wharf) {
	w.certified(t, "any", "any.example", "shop.example")
	w.certified(t, "shop", "shop.example")
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}, other: {servers: [{{other}}]}}
		routes:
		  any: {hosts: ["*"], pool: other, tls: {cert: any, key: any-key}}
		  shop: {hosts: [shop.example], pool: shop, tls: {cert: shop, key: shop-key}}
	`)
	for name, option := range map[string]option{"a name": withName("any.example"), "no name": withoutName()} {
		if a := w.get(t, "https://any.example/", option); a.Peer != "other" || a.TLS.PeerCertificates[0].DNSNames[0] != "any.example" {
			t.Errorf("%s: got %d from %q, want other, with its own certificate", name, a.Status, a.Peer)
		}
	}
	if a := w.get(t, "https://shop.example/"); a.Peer != "shop" || len(a.TLS.PeerCertificates[0].DNSNames) != 1 {
		t.Errorf("a host of its own: got %d from %q, want shop, with its own certificate", a.Status, a.Peer)
	}
}

func tlsMissingSecret(t *testing.T, w *wharf) {
	w.certified(t, "shop", "shop.example", "soon.example")
	w.certified(t, "staff", "staff.example")
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  shop: {hosts: [shop.example], pool: shop, tls: {cert: shop, key: shop-key}}
		  soon: {hosts: [soon.example], pool: shop, tls: {cert: soon, key: soon-key, plain: serve}}
		  staff: {hosts: [staff.example], pool: shop, tls: {cert: staff, key: staff-key, clients: staff-ca}}
	`)
	var names []string
	for _, p := range w.problems {
		if strings.Contains(p.Hint, "docker secret create") {
			names = append(names, strings.Fields(p.Text)[4])
		}
	}
	if !slices.Equal(names, []string{"soon", "soon-key", "staff-ca"}) || len(names) != len(w.problems) {
		t.Errorf("problems:\n%v\nwant one for each secret that is missing", w.problems)
	}
	for _, host := range []string{"soon.example", "staff.example"} {
		if a, err := w.try(t, "https://"+host+"/"); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("%s: got %+v and %v, want a handshake that is rejected", host, a, err)
		}
		if a := w.get(t, "https://"+host+"/", withName("shop.example")); a.Status != http.StatusMisdirectedRequest {
			t.Errorf("%s behind another name: got %d, want 421", host, a.Status)
		}
	}
	if a := w.get(t, "http://soon.example/"); a.Peer != "shop" {
		t.Errorf("plain: serve: got %d from %q, want shop", a.Status, a.Peer)
	}
	if a := w.get(t, "https://shop.example/"); a.Peer != "shop" {
		t.Errorf("a host that has all: got %d from %q, want shop", a.Status, a.Peer)
	}
}

func tlsPlainRedirect(t *testing.T, w *wharf) {
	w.serveTLS(t, "")
	want := fmt.Sprintf("https://shop.example:%d/a%%2Fb?q=1", w.port(t, "https"))
	for _, host := range []string{"shop.example", "shop.example:8080"} {
		a := w.get(t, fmt.Sprintf("http://shop.example:%d/a%%2Fb?q=1", w.port(t, "http")), func(r *request) { r.Host = host },
			withHeader("X-Forwarded-Proto", "https"))
		if a.Status != 301 || a.Header.Get("Location") != want {
			t.Errorf("Host %s: got %d to %q, want 301 to %s", host, a.Status, a.Header.Get("Location"), want)
		}
	}
}

func tlsPlainServe(t *testing.T, w *wharf) {
	w.serveTLS(t, ", plain: serve")
	for _, scheme := range []string{"http", "https"} {
		a := w.get(t, scheme+"://shop.example/a")
		if a.Peer != "shop" || a.Saw.Header.Get("X-Forwarded-Proto") != scheme {
			t.Errorf("%s: got %d from %q, which sees %v", scheme, a.Status, a.Peer, a.Saw.Header)
		}
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, tls: {plain: serve}}}
	`, "plain is for hosts with TLS, but route shop has no certificate")
}

func tlsPlainRefuse(t *testing.T, w *wharf) {
	w.serveTLS(t, ", plain: refuse")
	if a := w.get(t, "http://shop.example/", withHeader("X-Forwarded-Proto", "https")); a.Status != 404 || a.Peer != "" {
		t.Errorf("over plain HTTP: got %d from %q, want 404", a.Status, a.Peer)
	}
	if a := w.get(t, "https://shop.example/"); a.Peer != "shop" {
		t.Errorf("over TLS: got %d from %q, want shop", a.Status, a.Peer)
	}
}

// speaks asks with one version of TLS and, where it is not 0, one cipher.
func (w *wharf) speaks(t *testing.T, version, cipher uint16) error {
	t.Helper()
	config := &tls.Config{ServerName: "shop.example", MinVersion: version, MaxVersion: version}
	if cipher != 0 {
		config.CipherSuites = []uint16{cipher}
	}
	_, err := w.tls(t, w.port(t, "https"), config)
	return err
}

func tlsIntermediate(t *testing.T, w *wharf) {
	w.serveTLS(t, "")
	for name, c := range map[string]struct {
		version, cipher uint16
		good            bool
	}{
		"TLS 1.3":           {tls.VersionTLS13, 0, true},
		"TLS 1.2":           {tls.VersionTLS12, 0, true},
		"TLS 1.2, ChaCha20": {tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, true},
		"TLS 1.2, CBC":      {tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, false},
		"TLS 1.1":           {tls.VersionTLS11, 0, false},
	} {
		if err := w.speaks(t, c.version, c.cipher); (err == nil) != c.good {
			t.Errorf("%s: got %v, want it taken: %t", name, err, c.good)
		}
	}
}

func tlsModern(t *testing.T, w *wharf) {
	w.certified(t, "shop", "shop.example")
	w.serve(t, strings.Replace(edge, "nginx:{{version}}\",", "nginx:{{version}}\", profile: modern,", 1)+fmt.Sprintf(oneTLS, ""))
	if err := w.speaks(t, tls.VersionTLS13, 0); err != nil {
		t.Errorf("TLS 1.3: %v", err)
	}
	if err := w.speaks(t, tls.VersionTLS12, 0); err == nil {
		t.Error("TLS 1.2 is taken")
	}
	w.refused(t, `proxies: {edge: {image: nginx:1.30, profile: old}}`, `"old" is not a TLS profile`)
}

// sessions keeps one session, whatever host it was made with.
type sessions struct{ last *tls.ClientSessionState }

func (s *sessions) Get(string) (*tls.ClientSessionState, bool)    { return s.last, s.last != nil }
func (s *sessions) Put(_ string, session *tls.ClientSessionState) { s.last = session }

func (s *sessions) kept() option {
	return withTLS(func(c *tls.Config) { c.ClientSessionCache, c.InsecureSkipVerify = s, true })
}

func tlsSessions(t *testing.T, w *wharf) {
	w.serveTLS(t, "")
	// Go's client keeps sessions of TLS 1.2 in tickets alone, which are off.
	var kept sessions
	first, second := w.get(t, "https://shop.example/", kept.kept()), w.get(t, "https://shop.example/", kept.kept())
	if first.TLS.DidResume || !second.TLS.DidResume {
		t.Errorf("a session is resumed: at first %t, then %t; want false, true", first.TLS.DidResume, second.TLS.DidResume)
	}
}

func tlsHTTP2(t *testing.T, w *wharf) {
	w.serveTLS(t, "")
	a := w.get(t, "https://shop.example/a?q=1", withHTTP2())
	if a.Proto != "HTTP/2.0" || a.Peer != "shop" || a.Saw.Proto != "HTTP/1.1" || a.Saw.Path != "/a" {
		t.Errorf("got %s %d from %q, which sees %s %s", a.Proto, a.Status, a.Peer, a.Saw.Proto, a.Saw.Path)
	}
	if want := fmt.Sprintf("shop.example:%d", w.port(t, "https")); w.get(t, "https://"+want+"/", withHTTP2()).Saw.Host != want {
		t.Errorf("the peer does not see the Host %s", want)
	}
	if a := w.get(t, "https://shop.example/"); a.Proto != "HTTP/1.1" || a.Peer != "shop" {
		t.Errorf("HTTP/1.1: got %s %d", a.Proto, a.Status)
	}
}

// identity is what peers are told of a client's certificate.
func identity(h http.Header) [3]string {
	return [3]string{h.Get("X-Client-Verify"), h.Get("X-Client-Subject"), h.Get("X-Client-Fingerprint")}
}

// forged is a request that claims to come from somebody.
func forged(r *request) {
	for _, name := range []string{"X-Client-Verify", "X-Client-Subject", "X-Client-Fingerprint", "x-client-subject"} {
		r.Header[name] = []string{"SUCCESS"}
	}
}

func fingerprint(t *testing.T, cert []byte) string {
	t.Helper()
	block, _ := pem.Decode(cert)
	if block == nil {
		t.Fatal("no certificate")
	}
	sum := sha1.Sum(block.Bytes)
	return hex.EncodeToString(sum[:])
}

func tlsClients(t *testing.T, w *wharf) {
	w.certified(t, "staff", "staff.example")
	w.certified(t, "shop", "shop.example")
	w.secret("ca", w.ca(t))
	w.serve(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes:
		  staff: {hosts: [staff.example], pool: shop, tls: {cert: staff, key: staff-key, clients: ca}}
		  shop: {hosts: [shop.example], pool: shop, tls: {cert: shop, key: shop-key, plain: serve}}
	`)
	cert, key := w.cert(t, "anna")
	a := w.get(t, "https://staff.example/", withClientCert(cert, key), forged)
	if got, want := identity(a.Saw.Header), [3]string{"SUCCESS", "CN=anna", fingerprint(t, cert)}; a.Peer != "shop" || got != want || len(a.Saw.Header["X-Client-Subject"]) != 1 {
		t.Errorf("got %d, and the peer sees %q, want %q", a.Status, got, want)
	}
	if a := w.get(t, "https://staff.example/", forged); a.Status != 400 || a.Peer != "" {
		t.Errorf("without a certificate: got %d from %q, want 400", a.Status, a.Peer)
	}
	cert, key = w.strangeCert(t, "anna")
	if a := w.get(t, "https://staff.example/", withClientCert(cert, key)); a.Status != 400 || a.Peer != "" {
		t.Errorf("with a stranger's certificate: got %d from %q, want 400", a.Status, a.Peer)
	}
	if a := w.get(t, "http://staff.example/", forged); a.Status != 301 {
		t.Errorf("over plain HTTP: got %d, want 301", a.Status)
	}
	// The same peers through a host that asks for nothing.
	if a := w.get(t, "https://shop.example/", forged); a.Peer != "shop" || identity(a.Saw.Header) != [3]string{"NONE"} {
		t.Errorf("another host: got %d, and the peer sees %q", a.Status, identity(a.Saw.Header))
	}
	if a := w.get(t, "http://shop.example/", forged); a.Peer != "shop" || identity(a.Saw.Header) != [3]string{} {
		t.Errorf("another host over plain HTTP: got %d, and the peer sees %q", a.Status, identity(a.Saw.Header))
	}
	w.refused(t, fmt.Sprintf(oneTLS, ", clients: ca, plain: serve"), "plain: serve lets in clients that show no certificate")
}

func tlsClientsOptional(t *testing.T, w *wharf) {
	w.secret("ca", w.ca(t))
	w.serveTLS(t, ", plain: serve, clients: {ca: ca, optional: true}")
	cert, key := w.cert(t, "anna")
	for name, c := range map[string]struct {
		url     string
		options []option
		want    [3]string
	}{
		"with a certificate":    {"https://shop.example/", []option{withClientCert(cert, key)}, [3]string{"SUCCESS", "CN=anna", fingerprint(t, cert)}},
		"without a certificate": {"https://shop.example/", nil, [3]string{"NONE"}},
		"over plain HTTP":       {"http://shop.example/", nil, [3]string{}},
	} {
		a := w.get(t, c.url, append(c.options, forged)...)
		if got := identity(a.Saw.Header); a.Peer != "shop" || got != c.want {
			t.Errorf("%s: got %d, and the peer sees %q, want %q", name, a.Status, got, c.want)
		}
	}
	cert, key = w.strangeCert(t, "anna")
	if a := w.get(t, "https://shop.example/", withClientCert(cert, key)); a.Status != 400 || a.Peer != "" {
		t.Errorf("with a stranger's certificate: got %d from %q, want 400", a.Status, a.Peer)
	}
}

// Nobody comes to a host that asks for certificates through another host.
func tlsClientsElsewhere(t *testing.T, w *wharf) {
	ours, err := newAuthority("ours")
	if err != nil {
		t.Fatal(err)
	}
	w.certified(t, "all", "staff.example", "guests.example", "open.example", "any.example")
	w.secret("staff-ca", ours.pem)
	w.secret("guests-ca", w.ca(t))
	w.serve(t, `
		pools: {staff: {servers: [{{staff}}]}, other: {servers: [{{other}}]}}
		policies: {all: {tls: {cert: all, key: all-key}}}
		routes:
		  staff: {hosts: [staff.example], use: [all], pool: staff, tls: {clients: staff-ca}}
		  guests: {hosts: [guests.example], use: [all], pool: other, tls: {clients: guests-ca}}
		  open: {hosts: [open.example], use: [all], pool: other}
		  any: {hosts: ["*"], use: [all], pool: other, tls: {clients: guests-ca}}
	`)
	member, memberKey := ours.sign(t, "anna")
	guest, guestKey := w.cert(t, "guest")
	asGuest := withClientCert(guest, guestKey)
	if a := w.get(t, "https://staff.example/", withClientCert(member, memberKey)); a.Peer != "staff" {
		t.Fatalf("a member: got %d from %q, want staff", a.Status, a.Peer)
	}
	for name, c := range map[string]struct {
		through string
		status  int
	}{
		"a guest's certificate": {"staff.example", 400},
		"by an open host":       {"open.example", 421},
		"by another CA's host":  {"guests.example", 421},
		"by an unknown host":    {"unknown.example", 421},
		"without a name":        {"127.0.0.1", 421},
	} {
		for _, http := range []option{func(*request) {}, withHTTP2()} {
			a := w.get(t, "https://staff.example/", withName(c.through), asGuest, http)
			if a.Status != c.status || a.Peer != "" {
				t.Errorf("%s, %s: got %d from %q, want %d", name, a.Proto, a.Status, a.Peer, c.status)
			}
		}
	}
	if a := w.get(t, "https://any.example/", withName("open.example"), asGuest); a.Status != 421 || a.Peer != "" {
		t.Errorf("any host by an open one: got %d from %q, want 421", a.Status, a.Peer)
	}
	// A session that another host has begun.
	for host, through := range map[string]string{"guests.example": "guests.example", "any.example": "127.0.0.1"} {
		var kept sessions
		if a := w.get(t, "https://"+host+"/", withName(through), asGuest, kept.kept()); a.Peer != "other" {
			t.Fatalf("a guest at %s: got %d from %q", host, a.Status, a.Peer)
		}
		a := w.get(t, "https://staff.example/", withName("staff.example"), asGuest, kept.kept())
		if a.Status != 400 || a.Peer != "" || a.TLS.DidResume {
			t.Errorf("with a session of %s: got %d from %q, resumed %t, want 400", host, a.Status, a.Peer, a.TLS.DidResume)
		}
	}
	for host, through := range map[string]string{"any.example": "127.0.0.1", "other.example": "unknown.example", "guests.example": "Guests.example"} {
		if a := w.get(t, "https://"+host+"/", withName(through), asGuest); a.Peer != "other" {
			t.Errorf("a guest at %s through %s: got %d from %q, want other", host, through, a.Status, a.Peer)
		}
	}
}

func tlsHSTS(t *testing.T, w *wharf) {
	w.certified(t, "shop", "shop.example", "other.example")
	w.peer("own", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Strict-Transport-Security", "max-age=1")
	})
	w.serve(t, `
		proxies:
		  edge:
		    image: "nginx:{{version}}"
		    listen: {http: {{http}}, https: {{https}}}
		    status: {port: {{status}}}
		    defaults: {tls: {cert: shop, key: shop-key, plain: serve}, hsts: true}
		pools: {shop: {servers: [{{shop}}]}, own: {servers: [{{own}}]}, none: {service: none, port: 80}}
		routes:
		  shop: {hosts: [shop.example], pool: shop}
		  own: {hosts: [shop.example], paths: [/own], pool: own}
		  off: {hosts: [shop.example], paths: [/off], pool: own, hsts: false}
		  none: {hosts: [shop.example], paths: [/none], pool: none}
		  old: {hosts: [shop.example], paths: [/old], redirect: /new}
		  all: {hosts: [other.example], pool: shop, hsts: {maxAge: 400d, subdomains: true, preload: true}}
	`)
	const year = "max-age=31536000"
	for url, want := range map[string][]string{
		"https://shop.example/":     {year},
		"https://shop.example/own":  {year},
		"https://shop.example/off":  {"max-age=1"},
		"https://shop.example/none": {year},
		"https://shop.example/old":  {year},
		"https://other.example/":    {"max-age=34560000; includeSubDomains; preload"},
		"http://shop.example/":      nil,
		"http://shop.example/own":   nil,
		"http://other.example/":     nil,
	} {
		if got := w.get(t, url).Header["Strict-Transport-Security"]; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
	w.refused(t, `
		pools: {shop: {servers: [{{shop}}]}}
		routes: {shop: {hosts: [shop.example], pool: shop, hsts: true}}
	`, "browsers take HSTS over TLS alone, but no host of route shop has a certificate")
	w.refused(t, fmt.Sprintf(strings.Replace(oneTLS, "pool: shop,", "pool: shop, hsts: {preload: true},", 1), ""), "browsers preload only what counts for all subdomains")
}
