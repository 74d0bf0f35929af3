package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/route"
)

// BenchmarkIdleProxy has two nginx with 1,000 pools of 20 tasks and no requests, one
// that follows them by DNS and one that has them in its files, and tells what each takes
// of a processor and of memory.
func BenchmarkIdleProxy(b *testing.B) {
	const server = "127.0.0.1:18055"
	answering := startServer(b, server, exec.Command(os.Args[0]), serveVariable+"="+server)
	follows, rolled := idleProxy(b, server, 18056, "dns"), idleProxy(b, server, 18057, "rolls")
	time.Sleep(3 * time.Second) // until all is known
	var followed, files, dns float64
	const during = 10 * time.Second
	for b.Loop() {
		before := []time.Duration{cpuTimes(b, follows), cpuTimes(b, rolled), cpuTime(b, answering)}
		time.Sleep(during)
		share := func(before, after time.Duration) float64 { return 100 * (after - before).Seconds() / during.Seconds() }
		followed, files, dns = share(before[0], cpuTimes(b, follows)), share(before[1], cpuTimes(b, rolled)), share(before[2], cpuTime(b, answering))
	}
	b.ReportMetric(followed, "%cpu-dns")
	b.ReportMetric(files, "%cpu-rolls")
	b.ReportMetric(dns, "%cpu-daemon")
	b.ReportMetric(memory(b, follows), "MB-dns")
	b.ReportMetric(memory(b, rolled), "MB-rolls")
	b.ReportMetric(0, "ns/op")
}

// idleProxy starts nginx with the upstreams that a repository renders to, and returns
// its processes.
func idleProxy(b *testing.B, resolver string, port int, discovery string) []int {
	b.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "proxies: {edge: {image: nginx:1.30, resolvers: [%s]}}\npools:\n", resolver)
	live := &generator.Live{Nodes: []generator.Node{}}
	for node := range 200 {
		at, _ := dnsPeer(node%100, node/100)
		live.Nodes = append(live.Nodes, generator.Node{ID: at, Hostname: at, Role: "worker", State: "ready", Addr: at})
	}
	for pool := range dnsPools {
		name := fmt.Sprintf("pool-%d", pool)
		fmt.Fprintf(&text, "  %s: {service: %s, port: 8080, discovery: %s}\n", name, name, discovery)
		live.Services = append(live.Services, generator.Service{ID: name, Name: name})
		for task := range dnsTasks {
			at, port := dnsPeer(pool, task)
			live.Tasks = append(live.Tasks, generator.Task{ID: fmt.Sprint(name, task), Service: name, Node: at, State: "running",
				Ports: []generator.Port{{Protocol: "tcp", Target: 8080, Published: port}}})
		}
	}
	text.WriteString("routes:\n")
	for pool := range dnsPools {
		fmt.Fprintf(&text, "  r-%d: {hosts: [h%d.example], pool: pool-%d}\n", pool, pool, pool)
	}
	model, problems := generator.Build(parsed(b, route.Revision{Files: []route.File{{Path: "a.yaml", Data: []byte(text.String())}}}), live)
	if problems != nil {
		b.Fatal(problems[0])
	}
	files, err := generator.Render(model.Proxies[0])
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	conf := fmt.Sprintf("daemon off; worker_processes 1; pid %s/pid; error_log stderr error; events { worker_connections 4096; }\nhttp {\naccess_log off;\n", dir)
	conf += temporary(dir)
	for _, f := range files.All {
		if strings.Contains(f.Path, "upstream.") {
			conf += string(f.Data) + "\n"
		}
	}
	conf += fmt.Sprintf("server { listen 127.0.0.1:%d; return 204; }\n}\n", port)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		b.Fatal(err)
	}
	program, err := lab.Nginx(b.Context(), "1.30")
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(program, "-p", dir, "-e", "stderr", "-c", file)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		master, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil {
			continue
		}
		pid, _ := strconv.Atoi(strings.TrimSpace(string(master)))
		pids := family(pid)
		if len(pids) > 1 {
			return pids
		}
	}
	b.Fatal("nginx does not start")
	return nil
}

func cpuTimes(b *testing.B, pids []int) (all time.Duration) {
	for _, pid := range pids {
		all += cpuTime(b, pid)
	}
	return all
}

// memory is what the processes have of memory together, in megabytes: what they share
// counts once (smaps_rollup, Pss).
func memory(b *testing.B, pids []int) (all float64) {
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			b.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				kb, _ := strconv.Atoi(strings.Fields(rest)[0])
				all += float64(kb) / 1024
			}
		}
	}
	return all
}
