package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/lab"
)

// eightName is the lab of eight nodes. It is there from the first test that wants
// it until the last one of those, or the end.
var eightName = labName + "-eight"

// eightNodes is the world of docs/host-mode.md, when all that stands there has been
// done, by the very command of the demo.
func eightNodes(t *testing.T) *world {
	t.Helper()
	l, err := lab.Open(eightName)
	if errors.Is(err, fs.ErrNotExist) {
		begin := time.Now()
		followPage(t)
		t.Logf("eight nodes, and all of the page done, in %.0f s", time.Since(begin).Seconds())
		l, err = lab.Open(eightName)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, lab: l, manager: manager, asked: balancers, patience: 2 * time.Minute}
	t.Cleanup(func() {
		if w.Failed() {
			w.tell()
		}
	})
	return w
}

func followPage(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	program := filepath.Join(t.TempDir(), "lab")
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", program, "../cmd/lab").CombinedOutput(); err != nil {
		t.Fatalf("build lab: %v: %s", err, out)
	}
	cmd := exec.CommandContext(ctx, program, "--name", eightName, "demo", "--nodes", "8")
	cmd.Dir = ".." // where the page is
	out, err := cmd.CombinedOutput()
	t.Logf("%s\n%s", strings.Join(cmd.Args[1:], " "), out)
	if err != nil {
		t.Fatalf("the page cannot be followed: %v", err)
	}
}

// The answer to the page's curl has the form of Interlock's, body and headers, and
// each header says what is so.
func TestInterlockSeed(t *testing.T) {
	w := eightNodes(t)
	w.serves("demo.local", "/ping", "demo")
	w.serves("app.example.org", "/ping", "app")
	tasks, address := w.tasks("demo"), w.published("demo", 8080)
	if len(tasks) != 1 || len(address) != 1 {
		t.Fatalf("demo has the tasks %v at %s, want one", tasks, address)
	}
	for _, node := range balancers {
		head, body := w.plainly(node, "GET /ping HTTP/1.1\r\nHost: demo.local\r\nUser-Agent: curl/7.54.0\r\nAccept: */*\r\n\r\n")
		t.Logf("%s answers\n%s\n%s", node, head, body)
		lines := strings.Split(head, "\n")
		if lines[0] != "HTTP/1.1 200 OK" {
			t.Errorf("got %q, want HTTP/1.1 200 OK", lines[0])
		}
		var names []string
		values := map[string]string{}
		for _, line := range lines[1:] {
			name, value, _ := strings.Cut(line, ": ")
			names = append(names, name)
			values[name] = value
		}
		// To the letter, and in this order.
		want := []string{"Server", "Date", "Content-Type", "Content-Length", "Connection", "Set-Cookie",
			"x-request-id", "x-proxy-id", "x-server-info", "x-upstream-addr", "x-upstream-response-time"}
		if !slices.Equal(names, want) {
			t.Errorf("headers: got %q, want %q", names, want)
		}
		date, err := http.ParseTime(values["Date"])
		if err != nil {
			t.Error(err)
		}
		for name, want := range map[string]string{
			"Server":                   `nginx`,
			"Date":                     regexp.QuoteMeta(date.UTC().Format(http.TimeFormat)),
			"Content-Type":             `text/plain; charset=utf-8`,
			"Content-Length":           strconv.Itoa(len(body)),
			"Connection":               `keep-alive`,
			"Set-Cookie":               `session=[0-9]{19}; Path=/; Expires=` + regexp.QuoteMeta(date.UTC().Add(24*time.Hour).Format("Mon, 02 Jan 2006 15:")) + `.*; Max-Age=86400`,
			"x-request-id":             `[0-9a-f]{32}`,
			"x-proxy-id":               regexp.QuoteMeta(node),
			"x-server-info":            `wharfinger/proxy nginx/1\.30\.[0-9]+`,
			"x-upstream-addr":          regexp.QuoteMeta(address[0]),
			"x-upstream-response-time": `[0-4]\.[0-9]{3}`,
		} {
			if got := values[name]; !regexp.MustCompile("^" + want + "$").MatchString(got) {
				t.Errorf("%s: got %q, want %s", name, got, want)
			}
		}
		if want := fmt.Sprintf("{\"instance\":%q,\"version\":\"0.1\",\"metadata\":\"demo\",\"request_id\":%q}\n", tasks[0].Instance, values["x-request-id"]); body != want {
			t.Errorf("body: got %q, want %q", body, want)
		}
	}
}

// plainly returns what a proxy answers, to the letter.
func (w *world) plainly(node, request string) (head, body string) {
	w.Helper()
	conn, err := net.DialTimeout("tcp", w.lab.Node(node).Address+":80", 5*time.Second)
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Write([]byte(request)); err != nil {
		w.Fatal(err)
	}
	in := bufio.NewReader(conn)
	var text bytes.Buffer
	for line := ""; line != "\r\n"; {
		if line, err = in.ReadString('\n'); err != nil {
			w.Fatal(err)
		}
		text.WriteString(line)
	}
	_, rest, _ := strings.Cut(text.String(), "Content-Length: ")
	length, _, _ := strings.Cut(rest, "\r")
	n, err := strconv.Atoi(length)
	if err != nil {
		w.Fatalf("%v in\n%s", err, text.String())
	}
	content := make([]byte, n)
	if _, err := io.ReadFull(in, content); err != nil {
		w.Fatal(err)
	}
	return strings.TrimSpace(strings.ReplaceAll(text.String(), "\r", "")), string(content)
}

// published returns where a service's tasks publish a port, as NODE:PORT.
func (w *world) published(service string, port int) []string {
	w.Helper()
	var where []string
	for _, t := range w.tasks(service) {
		for _, p := range t.Ports {
			if p.TargetPort == port {
				where = append(where, fmt.Sprintf("%s:%d", w.nodeOf(t).Address, p.PublishedPort))
			}
		}
	}
	slices.Sort(where)
	return slices.Compact(where) // IPv4 and IPv6
}

// nodeOf returns the node that a task is on.
func (w *world) nodeOf(t task) *lab.Node {
	w.Helper()
	name := w.docker("node", "inspect", "-f", "{{.Description.Hostname}}", t.Node)
	n := w.lab.Node(name)
	if n == nil {
		w.Fatalf("there is no node %s", name)
	}
	return n
}
