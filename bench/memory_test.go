package bench

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/generator"
	"github.com/wharfinger/wharfinger/route"
)

// daemonVariable has the test binary be a daemon that has made its passes.
const daemonVariable = "BENCH_DAEMON"

// daemon makes a full pass and some more after moved tasks and pushes, says so, and
// waits until nobody reads its output.
func daemon() {
	rev, live := world(whole)
	random := rand.New(rand.NewPCG(1, 1))
	var parser route.Parser
	var maker generator.Maker
	var rollouts []generator.Rollout
	for range 20 {
		rev = edited(rev, random)
		next := *live
		next.Tasks = slices.Clone(live.Tasks)
		next.Tasks[random.IntN(len(next.Tasks))].Ports = []generator.Port{{Protocol: "tcp", Target: 8080, Published: 32768 + random.IntN(28000)}}
		live = &next
		desired, problems := parser.Parse(rev)
		model, more := maker.Build(desired, live)
		made, err := maker.Pack(model, live)
		if problems != nil || more != nil || err != nil {
			fmt.Println(problems, more, err)
			return
		}
		rollouts = made
	}
	debug.FreeOSMemory() // as it does once it is quiet
	fmt.Println("ready", len(rollouts))
	bufio.NewReader(os.Stdin).ReadString('\n')
	runtime.KeepAlive(&parser)
	runtime.KeepAlive(&maker)
	runtime.KeepAlive(rollouts)
	runtime.KeepAlive(live)
}

// BenchmarkMemory is what the daemon has of memory at the whole size when it is quiet,
// with all that it keeps from pass to pass, against nginx with the same files and a worker for each
// processor (Pss).
func BenchmarkMemory(b *testing.B) {
	rev, live := world(whole)
	rollout := (&passer{b: b}).pass(rev, live)[0]
	dir := b.TempDir()
	certify(b, dir)
	files := map[string]string{}
	listen := regexp.MustCompile(`listen (\d+)`)
	secret := regexp.MustCompile(regexp.QuoteMeta(generator.SecretFolder) + `[\w.-]+\.(crt|key)`)
	for _, s := range rollout.Shards {
		text := listen.ReplaceAllStringFunc(string(s.Data), func(found string) string {
			port, _ := strconv.Atoi(strings.TrimPrefix(found, "listen "))
			return fmt.Sprint("listen ", port+18000) // nobody else's
		})
		text = secret.ReplaceAllString(text, dir+"/site.$1")
		files[s.Path] = strings.ReplaceAll(text, " /tmp/", " "+dir+"/")
	}
	var ours, theirs, peak []float64
	for b.Loop() {
		for range 2 {
			pids, stop := serve(b, filepath.Join(dir, "nginx"), files)
			theirs = append(theirs, memory(b, pids))
			stop()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), daemonVariable+"=1")
			in, err := cmd.StdinPipe()
			if err != nil {
				b.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				b.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			if said, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(said, "ready") {
				b.Fatalf("the daemon says %q (%v)", said, err)
			}
			ours = append(ours, memory(b, []int{cmd.Process.Pid}))
			peak = append(peak, highWater(b, cmd.Process.Pid))
			in.Close()
			cmd.Wait()
		}
	}
	var ratios []float64
	for i := range ours {
		ratios = append(ratios, ours[i]/theirs[i])
	}
	report(b, "of-nginx", ratios)
	b.ReportMetric(middle(ours), "MB")
	b.ReportMetric(middle(peak), "MB-peak")
	b.ReportMetric(middle(theirs), "MB-nginx")
}

// highWater is what a process has had of memory at most, in megabytes (VmHWM).
func highWater(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	kB, _ := strconv.ParseFloat(string(found[1]), 64)
	return kB / 1024
}
