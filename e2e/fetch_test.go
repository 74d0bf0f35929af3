package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// A request is one with all that may matter.
type request struct {
	node       string
	port       int // 80; 443 with roots
	host, path string
	header     map[string]string
	roots      *x509.CertPool // over TLS, with trust in these
	from       string         // the client's address
}

// A reply is what the demo application tells of the request that it got, and how
// it came back.
type reply struct {
	Code     int         `json:"-"`
	Header   http.Header `json:"-"`
	Instance string      `json:"instance"`
	Service  string      `json:"metadata"`
	Target   string      `json:"target"`
	Host     string      `json:"host"`
	Port     string      `json:"port"`
	TLS      bool        `json:"tls"`
	Headers  map[string]string
}

// peers are the addresses that the proxy asked, in this order.
func (r reply) peers() []string {
	return strings.FieldsFunc(r.Header.Get("x-upstream-addr"), func(c rune) bool { return c == ',' || c == ' ' })
}

// fetch makes a request on a connection of its own.
func (w *world) fetch(r request) (reply, error) {
	scheme := "http"
	if r.roots != nil {
		scheme = "https"
	}
	if r.port == 0 {
		r.port = map[string]int{"http": 80, "https": 443}[scheme]
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if r.from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(r.from)}
	}
	address := net.JoinHostPort(w.lab.Node(r.node).Address, strconv.Itoa(r.port))
	c := http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, "tcp", address)
			},
			TLSClientConfig: &tls.Config{ServerName: r.host, RootCAs: r.roots},
		},
		CheckRedirect: client.CheckRedirect,
	}
	req, err := http.NewRequest(http.MethodGet, scheme+"://"+r.host+r.path, nil)
	if err != nil {
		return reply{}, err
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	resp, err := c.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	answer := reply{Code: resp.StatusCode, Header: resp.Header}
	body, err := io.ReadAll(resp.Body)
	if err != nil || answer.Code != http.StatusOK {
		return answer, err
	}
	return answer, json.Unmarshal(body, &answer)
}

// must makes a request that succeeds with 200 from a service.
func (w *world) must(r request, service string) reply {
	w.Helper()
	a, err := w.fetch(r)
	if err != nil || a.Code != http.StatusOK || a.Service != service {
		w.Fatalf("%s answers %s%s with %d from %q (%v), want 200 from %s", r.node, r.host, r.path, a.Code, a.Service, err, service)
	}
	return a
}

// refuses makes a request that is answered with another status than 200, and
// returns where it leads to, if anywhere.
func (w *world) refuses(r request, code int) (location string) {
	w.Helper()
	a, err := w.fetch(r)
	if err != nil || a.Code != code {
		w.Fatalf("%s answers %s%s with %d from %q (%v), want %d", r.node, r.host, r.path, a.Code, a.Service, err, code)
	}
	return a.Header.Get("Location")
}

// clients are addresses beside the lab's own from which requests can be made.
func (w *world) clients(n int) []string {
	w.Helper()
	gateway := w.lab.Gateway()
	bridge := ""
	links, err := net.Interfaces()
	if err != nil {
		w.Fatal(err)
	}
	for _, link := range links {
		addresses, _ := link.Addrs()
		for _, a := range addresses {
			if strings.HasPrefix(a.String(), gateway+"/") {
				bridge = link.Name
			}
		}
	}
	var all []string
	for i := range n {
		address := fmt.Sprintf("%s.%d", gateway[:strings.LastIndexByte(gateway, '.')], 200+i)
		for _, do := range []string{"add", "del"} {
			change := func() {
				if out, err := exec.Command("ip", "addr", do, address+"/32", "dev", bridge).CombinedOutput(); err != nil {
					w.Errorf("ip addr %s %s on %s: %v: %s", do, address, bridge, err, out)
				}
			}
			if do == "add" {
				change()
			} else {
				w.Cleanup(change)
			}
		}
		all = append(all, address)
	}
	return all
}
