package swarm

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/wharfinger/wharfinger/generator"
)

// TestStatusOverIPv6 asks a status listener that has an address of IPv6.
func TestStatusOverIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		status := http.StatusNotFound
		if r.URL.Path == "/digest/d1" {
			status = http.StatusNoContent
		}
		rw.WriteHeader(status)
	})}}
	srv.Start()
	defer srv.Close()
	c := &Cluster{status: statusClient()}
	for digest, want := range map[string]bool{"d1": true, "d2": false} {
		if got, err := c.serves(t.Context(), netip.MustParseAddrPort(l.Addr().String()), digest); got != want || err != nil {
			t.Errorf("asked for %s: got %v, %v, want %v", digest, got, err, want)
		}
	}
}

// TestNodesAreAskedAtTheirAddresses holds where a confirmation asks, and what it says
// when nobody answers there.
func TestNodesAreAskedAtTheirAddresses(t *testing.T) {
	onHost := []generator.Network{hostNet}
	for _, c := range []struct {
		name     string
		node     generator.Node
		networks []generator.Network
		asked    string
		why      string
	}{
		{"IPv4", generator.Node{Addr: "192.0.2.20"}, onHost, "192.0.2.20:8079",
			"lb-00: its status listener cannot be reached (Get \"http://192.0.2.20:8079/digest/d1\": nobody); open port 8079 from the managers to the proxies' nodes"},
		{"IPv6", generator.Node{Addr: "2001:db8::20"}, onHost, "[2001:db8::20]:8079",
			"lb-00: its status listener cannot be reached (Get \"http://[2001:db8::20]:8079/digest/d1\": nobody); open port 8079 from the managers to the proxies' nodes, and have the proxy listen there with listen: {ipv6: true}"},
		{"IPv6, where the engine listens", generator.Node{Addr: "2001:db8::20"}, nil, "[2001:db8::20]:8079",
			"lb-00: its status listener cannot be reached (Get \"http://[2001:db8::20]:8079/digest/d1\": nobody); open port 8079 from the managers to the proxies' nodes"},
		{"by the label", generator.Node{Addr: "192.0.2.20", Labels: map[string]string{generator.AddressLabel: "2001:db8::21"}}, nil, "[2001:db8::21]:8079",
			"lb-00: its status listener cannot be reached (Get \"http://[2001:db8::21]:8079/digest/d1\": nobody); open port 8079 from the managers to the proxies' nodes"},
		{"nowhere", generator.Node{Addr: "0.0.0.0"}, onHost, "", "lb-00: its address 0.0.0.0 reaches no other node"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			client := &http.Client{Transport: &http.Transport{DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
				asked = append(asked, address)
				return nil, errors.New("nobody")
			}}}
			c.node.ID, c.node.Hostname = "n1", "lb-00"
			w := &confirmation{
				Cluster: &Cluster{status: client, log: slog.New(slog.NewTextHandler(io.Discard, nil))},
				r:       generator.Rollout{Digest: "d1", StatusPort: 8079, Spec: generator.Spec{Networks: c.networks}},
				known:   map[string]generator.Node{"n1": c.node}, states: map[string]string{}, answered: map[string]bool{},
			}
			task := api.Task{NodeID: "n1", Status: api.TaskStatus{State: api.TaskStateRunning}}
			if w.ask(t.Context(), api.Service{}, []api.Task{task}) {
				t.Error("nobody answers, and all is right")
			}
			if got := strings.Join(slices.Compact(asked), " "); got != c.asked {
				t.Errorf("asked at %q, want %q", got, c.asked)
			}
			if w.why != c.why {
				t.Errorf("why:\n got %s\nwant %s", w.why, c.why)
			}
		})
	}
}
