package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const aPage = "Text.\n\n## One\n\n```sh\nmgr-00$ not this\n```\n\n```console\n" +
	"mgr-00$ echo a \\\n    b\na b\nmgr-00$ cat << EOF | docker config create conf -\nx$ y:\nEOF\noqkvv1asncf6p2axhx41vylgt\nmgr-00$ true\n```\n\n" +
	"## Two\n\n```console\nlb-00$ curl -vs http://127.0.0.1/\n< HTTP/1.1 200 OK\n<\nbody\n```\n"

func TestReadPage(t *testing.T) {
	want := []command{
		{10, "One", "mgr-00", "echo a \\\n    b", "a b\n"},
		{13, "One", "mgr-00", "cat << EOF | docker config create conf -\nx$ y:\nEOF", "oqkvv1asncf6p2axhx41vylgt\n"},
		{17, "One", "mgr-00", "true", ""},
		{23, "Two", "lb-00", "curl -vs http://127.0.0.1/", "< HTTP/1.1 200 OK\n<\nbody\n"},
	}
	if got := readPage(aPage); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestForm(t *testing.T) {
	for _, test := range []struct{ shown, want string }{
		{"oqkvv1asncf6p2axhx41vylgt\n", "ID"},
		{"j4ftumv00cse   wharfinger  replicated   1/1", "ID wharfinger replicated 1/1"},
		{"map[nodetype:loadbalancer]", "map[nodetype:loadbalancer]"},
		{"*   Trying 127.0.0.1:80...\n> GET /ping HTTP/1.1\n> User-Agent: curl/7.88.1\n> \n{ [110 bytes data]\n", "> GET /ping HTTP/1.1\n> User-Agent: curl/VERSION\n>"},
		{"< Date: Fri, 10 Nov 2017 15:38:40 GMT", "< Date: DATE"},
		{"< x-upstream-addr: 10.231.1.13:32768", "< x-upstream-addr: ADDRESS:HIGH"},
		{"< x-upstream-addr: 10.0.1.13:8080", "< x-upstream-addr: ADDRESS:8080"},
		{"< x-server-info: wharfinger/proxy nginx/1.30.6", "< x-server-info: wharfinger/proxy nginx/VERSION"},
		{"< x-upstream-response-time: 0.008", "< x-upstream-response-time: SECONDS"},
		{"< Set-Cookie: session=1510328320174129112; Path=/", "< Set-Cookie: session=COOKIE; Path=/"},
		{`{"instance":"897d3c7b9e9c","request_id":"e4180a8fc6ee15f8d46f11df67c24a7d"}`, `{"instance":"CONTAINER","request_id":"REQUEST"}`},
		{"overall progress: 1 out of 2 tasks\n1/2:  \nverify: Service converged\n", "verify: Service converged"},
	} {
		if got := form(test.shown); got != test.want {
			t.Errorf("form of %q: got %q, want %q", test.shown, got, test.want)
		}
	}
}

// TestHostModePage holds what the demo makes of the page; it runs in e2e.
func TestHostModePage(t *testing.T) {
	page, err := os.ReadFile("../../" + hostModePage)
	if err != nil {
		t.Fatal(err)
	}
	commands := readPage(string(page))
	if prompts := strings.Count(string(page), "$ docker ") + strings.Count(string(page), "$ curl "); len(commands) < 12 || len(commands) < prompts {
		t.Errorf("read %d commands, want 12 at least and all %d prompts", len(commands), prompts)
	}
}
