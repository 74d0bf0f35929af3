package e2e_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// The status listener agrees to the digest of what is served, and tells nothing
// to those who do not know it.
func TestStatusListener(t *testing.T) {
	w := newWorld(t)
	w.push(toDemo(edge, "demo.local"))
	w.ends(0, "edge: rolled out in", "apply", w.clone, "--nginx", nginx)
	digest := w.proxy().Spec.Labels["wharfinger.digest"]
	if len(digest) != 32 {
		t.Fatalf("the service's digest is %q, want 32 digits", digest)
	}
	for _, node := range balancers {
		for path, want := range map[string]int{
			"/digest/" + digest:                  http.StatusNoContent,
			"/digest/" + digest[:31]:             http.StatusNotFound,
			"/digest/" + digest + "0":            http.StatusNotFound,
			"/digest/":                           http.StatusNotFound,
			"/digest/" + strings.Repeat("0", 32): http.StatusNotFound,
			"/":                                  http.StatusNotFound,
		} {
			resp, err := client.Get("http://" + theLab.Node(node).Address + ":8079" + path)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != want || strings.Contains(string(body), digest) {
				t.Errorf("%s answers %s with %d %q (%v), want %d and no digest", node, path, resp.StatusCode, body, err, want)
			}
		}
	}
}
