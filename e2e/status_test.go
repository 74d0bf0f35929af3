package e2e_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// What a proxy serves is told to the managers, and to nobody else.
func TestStatusListener(t *testing.T) {
	w := newWorld(t)
	w.push(toDemo(edge, "demo.local"))
	w.ends(0, "edge: rolled out in", "apply", w.clone, "--nginx", nginx)
	digest := w.proxy().Spec.Labels["wharfinger.digest"]

	for _, node := range balancers {
		url := "http://" + theLab.Node(node).Address + ":8079/digest"
		out, err := theLab.Node(manager).Command(t.Context(), "curl", "-sS", "--max-time", "5", url).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != digest || digest == "" {
			t.Errorf("%s tells a manager %q (%v), want the digest %q", node, got, err, digest)
		}
		resp, err := client.Get(url) // from outside the Swarm
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusForbidden || strings.Contains(string(body), digest) {
			t.Errorf("%s answers a stranger %d %q (%v), want 403 and no digest", node, resp.StatusCode, body, err)
		}
	}
}
