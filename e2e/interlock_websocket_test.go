package e2e_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

func seeWebsockets(w *labelWorld) string {
	for _, node := range balancers {
		for _, path := range []string{"/ws", "/foo/bar", "/no/endpoint"} {
			w.websocket(node, "websocket.local", path, "websocket")
		}
	}
	return "messages go both ways on /ws, on what is below /foo, and on every other path"
}

// websocket opens one, is told by whom it is answered, and sends a message to and fro.
func (w *world) websocket(node, host, path, service string) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
	defer cancel()
	address := w.lab.Node(node).Address + ":80"
	conn, _, err := websocket.Dial(ctx, "ws://"+host+path, &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {"http://page.local"}},
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		}}},
	})
	if err != nil {
		w.Fatalf("%s, %s%s: %v", node, host, path, err)
	}
	defer conn.CloseNow()
	if _, text, err := conn.Read(ctx); err != nil || !strings.Contains(string(text), `"metadata":"`+service+`"`) {
		w.Fatalf("%s, %s%s: greeted with %q (%v), want %s", node, host, path, text, err, service)
	}
	const message = "there and back"
	if err := conn.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
		w.Fatal(err)
	}
	if _, text, err := conn.Read(ctx); err != nil || string(text) != message {
		w.Errorf("%s, %s%s: got %q (%v) back, want %q", node, host, path, text, err, message)
	}
}
