package bench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wharfinger/wharfinger/dns"
	"github.com/wharfinger/wharfinger/generator"
)

// The pools that both servers answer for, and the tasks of each.
const dnsPools, dnsTasks = 1000, 20

func dnsPeer(pool, task int) (address string, port int) {
	return fmt.Sprintf("10.0.%d.%d", task%2, 1+pool%100), 32768 + (pool*dnsTasks+task)%28000
}

// serveVariable has the test binary be a server at an address, so that its time is
// told from that of who asks.
const serveVariable = "BENCH_DNS"

func TestMain(m *testing.M) {
	if os.Getenv(daemonVariable) != "" {
		daemon()
		return
	}
	if address := os.Getenv(serveVariable); address != "" {
		s := &dns.Server{Address: address}
		records := map[string][]generator.Peer{}
		for pool := range dnsPools {
			name := fmt.Sprintf("pool-%d", pool)
			for task := range dnsTasks {
				at, port := dnsPeer(pool, task)
				records[name] = append(records[name], generator.Peer{Address: fmt.Sprintf("%s:%d", at, port), Weight: 1})
			}
		}
		s.Publish(records)
		if err := s.Run(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// BenchmarkDNS asks for the records of SRV of 1,000 pools of 20 tasks, this server and
// unbound (Debian's) by turns, and tells how many questions each answered for a second
// of a processor.
func BenchmarkDNS(b *testing.B) {
	const ours, theirs = "127.0.0.1:18053", "127.0.0.1:18054"
	self := startServer(b, ours, exec.Command(os.Args[0]), serveVariable+"="+ours)
	other := startServer(b, theirs, exec.Command("unbound", "-d", "-c", unboundConfig(b, theirs)))
	var ratios []float64
	var ourRates, theirRates []float64
	for b.Loop() {
		for range 5 {
			us, them := questions(b, ours, self, "_nginx"), questions(b, theirs, other, "_nginx")
			ourRates, theirRates, ratios = append(ourRates, us), append(theirRates, them), append(ratios, us/them)
		}
	}
	for _, list := range [][]float64{ratios, ourRates, theirRates} {
		slices.Sort(list)
	}
	middle := len(ratios) / 2
	b.ReportMetric(ratios[middle], "of-unbound")
	b.ReportMetric(ratios[0], "lowest")
	b.ReportMetric(ratios[len(ratios)-1], "highest")
	b.ReportMetric(ourRates[middle], "questions/cpu-s")
	b.ReportMetric(theirRates[middle], "unbound/cpu-s")
	b.ReportMetric(0, "ns/op")
}

func unboundConfig(b *testing.B, address string) string {
	b.Helper()
	host, port, _ := net.SplitHostPort(address)
	file := filepath.Join(b.TempDir(), "unbound.conf")
	f, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprintf(w, "server:\n  interface: %s\n  port: %s\n  num-threads: 1\n  do-daemonize: no\n  username: \"\"\n  chroot: \"\"\n  directory: \"\"\n  pidfile: \"\"\n  use-syslog: no\n  logfile: \"\"\n  verbosity: 0\n  max-udp-size: 4096\n  access-control: 127.0.0.0/8 allow\n  local-zone: \"%s.\" static\n", host, port, generator.Domain)
	for pool := range dnsPools {
		for task := range dnsTasks {
			at, port := dnsPeer(pool, task)
			fmt.Fprintf(w, "  local-data: '_nginx._tcp.pool-%d.%s. 0 IN SRV 0 1 %d %s.node.%[2]s.'\n", pool, generator.Domain, port, strings.ReplaceAll(at, ".", "-"))
		}
	}
	fmt.Fprint(w, "remote-control:\n  control-enable: no\n")
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	f.Close()
	return file
}

// startServer starts a server that answers, and returns its process.
func startServer(b *testing.B, address string, cmd *exec.Cmd, env ...string) int {
	b.Helper()
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	conn, err := net.Dial("udp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	buffer := make([]byte, 4096)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		conn.Write(srvQuestion("_nginx", 1))
		conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if n, err := conn.Read(buffer); err == nil && n > 12 && buffer[7] == dnsTasks { // ANCOUNT
			return cmd.Process.Pid
		}
	}
	b.Fatalf("%s does not answer", cmd)
	return 0
}

// srvQuestion is what nginx asks of a pool.
func srvQuestion(service string, pool int) []byte {
	out := []byte{byte(pool >> 8), byte(pool), 1, 0, 0, 1, 0, 0, 0, 0, 0, 1}
	for label := range strings.SplitSeq(fmt.Sprintf("%s._tcp.pool-%d.%s", service, pool, generator.Domain), ".") {
		out = append(append(out, byte(len(label))), label...)
	}
	out = append(out, 0, 0, 33, 0, 1)
	return append(out, 0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0) // EDNS, 4096 bytes, without which unbound would cut it
}

// questions asks for two seconds and returns how many answers came for a second of the
// server's processor time.
func questions(b *testing.B, address string, pid int, service string) float64 {
	b.Helper()
	var answered atomic.Int64
	before := cpuTime(b, pid)
	var group sync.WaitGroup
	for worker := range 16 {
		group.Go(func() {
			conn, err := net.Dial("udp", address)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			buffer := make([]byte, 4096)
			const window = 8
			sent := worker * 60
			for range window {
				conn.Write(srvQuestion(service, sent%dnsPools))
				sent++
			}
			for end := time.Now().Add(2 * time.Second); time.Now().Before(end); sent++ {
				conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
				if n, err := conn.Read(buffer); err == nil && n > 12 && buffer[7] == dnsTasks {
					answered.Add(1)
				}
				conn.Write(srvQuestion(service, sent%dnsPools))
			}
		})
	}
	group.Wait()
	took := cpuTime(b, pid) - before
	if answered.Load() == 0 || took == 0 {
		b.Fatalf("%d answers by %s in %s", answered.Load(), address, took)
	}
	return float64(answered.Load()) / took.Seconds()
}

// cpuTime is what a process has had of processors (proc(5), stat).
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime
		n, _ := strconv.ParseInt(f, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
