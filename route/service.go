package route

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Mount is one entry of `mounts:` of a proxy.
type Mount struct {
	Pos Pos
	// Target is the place in the proxy.
	Target At[string] `yaml:"target" is:"mount target"`
	// Source is a path of the node, or the name of a volume. A tmpfs has none.
	Source At[string] `yaml:"source" is:"mount source"`
	// Type is `bind`, which takes the permission Binds (--allow-binds), `volume` or
	// `tmpfs`. Default: bind where the source is a path, else volume.
	Type At[string] `yaml:"type" is:"mount type"`
	// ReadOnly keeps the proxy from writing there.
	ReadOnly At[bool] `yaml:"readOnly" is:"bool"`
}

// Kind is Type or what it is by default.
func (m Mount) Kind() string {
	switch {
	case m.Type.Given():
		return m.Type.Value
	case strings.HasPrefix(m.Source.Value, "/"):
		return "bind"
	}
	return "volume"
}

// Stop is `stop:` of a proxy: how its tasks end.
type Stop struct {
	// Signal ends nginx: SIGQUIT, the default, once the requests that it has are
	// answered; SIGTERM and SIGINT at once.
	Signal At[string] `yaml:"signal" is:"signal"`
	// Grace is how long Swarm waits from then until it kills the task, from 1s to
	// 2h. Default: ten seconds more than drain.
	Grace At[time.Duration] `yaml:"grace" is:"grace"`
}

// Update is `update:` of a proxy: how Swarm replaces its tasks.
type Update struct {
	// Parallelism is how many tasks are replaced at once, up to 1000. Default 1.
	Parallelism At[int] `yaml:"parallelism" is:"parallelism"`
	// Delay is the pause before the next ones. Default 1s.
	Delay At[time.Duration] `yaml:"delay" is:"duration"`
	// Order is `start-first`, the default in the host's network with a proxy on
	// every node, or `stop-first`, which is all that others can have.
	Order At[string] `yaml:"order" is:"order"`
	// Monitor is how long each new task is watched. Default 3s.
	Monitor At[time.Duration] `yaml:"monitor" is:"duration"`
	// Failure says what Swarm does when a new task fails: `rollback`, the default,
	// `pause` or `continue`. After the last two Wharfinger brings the old
	// proxies back at the rollout's deadline.
	Failure At[string] `yaml:"failure" is:"failure action"`
}

// Resources is `resources:` of a proxy, for each of its tasks.
type Resources struct {
	// Limits are what a task can have at most, Reservations what its node must have
	// free.
	Limits       Amounts `yaml:"limits"`
	Reservations Amounts `yaml:"reservations"`
}

// Amounts is `limits:` or `reservations:` below `resources:`.
type Amounts struct {
	// CPUs are processors, as 2 or 0.5, from 0.001 to 1023.
	CPUs At[CPUs] `yaml:"cpus" is:"cpus"`
	// Memory is in bytes, from 16m to 1024g.
	Memory At[int64] `yaml:"memory" is:"memory"`
}

// CPUs is a number of processors in billionths, as Docker counts them.
type CPUs int64

const (
	oneCPU    CPUs = 1_000_000_000
	leastCPUs      = oneCPU / 1000
	mostCPUs       = 1023 // whole ones
)

// String writes the number as people do.
func (c CPUs) String() string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%09d", c/oneCPU, c%oneCPU), "0"), ".")
}

// leastMemory is what nginx takes to start with some routes; engines refuse less
// than 6m.
const leastMemory = 16 << 20

var (
	cpusForm = regexp.MustCompile(`^0*([0-9]{0,4})(?:\.([0-9]{1,9}))?$`)
	// cpusSchema knows of texts which are a number that is not too small.
	cpusSchema = schema{"minimum": 0.001, "exclusiveMaximum": mostCPUs + 1}.
			orTexts(padded(1, mostCPUs)+`(?:\.[0-9]{1,9})?|0*\.(?:[1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9])[0-9]{0,6}`).like(2, 0.5)
)

func readCPUs(s string) (any, string, string) {
	const hint = "write a number of processors from 0.001 to 1023, like 2 or 0.5"
	m := cpusForm.FindStringSubmatch(s)
	if m == nil {
		return nil, fmt.Sprintf("%s is not a number of processors", quote(s)), hint
	}
	whole, _ := strconv.Atoi("0" + m[1]) // at most four digits
	part, _ := strconv.Atoi((m[2] + "000000000")[:9])
	if n := CPUs(whole)*oneCPU + CPUs(part); n >= leastCPUs && whole <= mostCPUs {
		return n, "", ""
	}
	return nil, fmt.Sprintf("%s is not a number of processors", quote(s)), hint
}

var preferenceForm = regexp.MustCompile(`^(?:node|engine)\.labels\.[a-zA-Z0-9_./-]+$`)

func readPreference(s string) (any, string, string) {
	if !preferenceForm.MatchString(s) {
		return nil, fmt.Sprintf("%s is not a label to spread over", quote(s)), "write the label of nodes alone, like node.labels.zone"
	}
	return s, "", ""
}

// wholePath is a path with no . or .. in it.
const wholePath = `(?:/\.?[a-zA-Z0-9_-][a-zA-Z0-9._@+=~-]*)+`

var (
	mountTargetForm = regexp.MustCompile(`^` + wholePath + `$`)
	// mountSourceForm has Docker's form of the names of volumes behind that of paths.
	mountSourceForm = regexp.MustCompile(`^(?:` + wholePath + `|[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127})$`)
	// takenTargets are what a proxy has of Wharfinger: nginx.conf and what it
	// includes, its secrets, and the sockets of nginx, of which the next proxy must
	// have its own.
	takenTargets = regexp.MustCompile(`^(?:/etc(?:/nginx(?:/(?:nginx|status)\.conf|/(?:routes|streams)(?:/.*)?)?)?|/run(?:/secrets(?:/.*)?)?|/proc(?:/.*)?|/sys(?:/.*)?|/dev(?:/.*)?)$`)
	// engineSources lead to the engine, which may do everything, or to all there is.
	engineSources = regexp.MustCompile(`^(?:/var|/run|/var/run|/var/lib|(?:/var)?/run/docker(?:\.sock|/.*)?|/var/lib/docker(?:/.*)?|/proc(?:/.*)?|/sys(?:/.*)?|/dev(?:/.*)?)$`)
)

func readMountTarget(s string) (any, string, string) {
	switch {
	case !mountTargetForm.MatchString(s):
		return nil, fmt.Sprintf("%s is not a place in the proxy", quote(s)), "write a whole path without . and .., like /srv/www"
	case takenTargets.MatchString(s):
		return nil, fmt.Sprintf("%s is the proxy's own", quote(s)), "mount it elsewhere, like at /srv/www"
	}
	return s, "", ""
}

func readMountSource(s string) (any, string, string) {
	switch {
	case !mountSourceForm.MatchString(s):
		return nil, fmt.Sprintf("%s is not a source of a mount", quote(s)), "write a whole path of the node without . and .., like /srv/www, or the name of a volume"
	case engineSources.MatchString(s):
		return nil, fmt.Sprintf("%s leads to the engine or the kernel of the node", quote(s)), "mount the folder alone that the proxy needs"
	}
	return s, "", ""
}

var (
	labelForm = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._/-]{0,126}[a-zA-Z0-9]$|^[a-zA-Z0-9]$`)
	// othersLabels are Wharfinger's own, and those by which the engine and docker
	// stack know what is theirs.
	othersLabels = regexp.MustCompile(`^(?:wharfinger\.|com\.docker\.(?:stack|swarm)\.)`)
)

func readLabel(s string) (any, string, string) {
	switch {
	case !labelForm.MatchString(s):
		return nil, fmt.Sprintf("%s is not the name of a label", quote(s)), "names have up to 128 letters, digits, '.', '_', '/' and '-', and start and end with a letter or digit"
	case othersLabels.MatchString(s):
		return nil, fmt.Sprintf("the label %s is not the repository's to set", s), "write one with a name of your own, like org.example.team"
	}
	return s, "", ""
}

const maxLabelValue = 1000

var labelValueSchema = texts(`[^\x00-\x1f\x7f]*`).upTo(maxLabelValue)

func readLabelValue(s string) (any, string, string) {
	if len(s) > maxLabelValue || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 127 }) {
		return nil, fmt.Sprintf("%s is not the value of a label", quote(s)), "a value is one line of up to 1000 bytes"
	}
	return s, "", ""
}

const mostWorkers = 512

// readWorkers takes nginx's worker_processes; 0 is auto.
func readWorkers(s string) (any, string, string) {
	if s == "auto" {
		return 0, "", ""
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 || n > mostWorkers {
		return nil, fmt.Sprintf("%s is not a number of workers", quote(s)), "write auto, for one on each processor, or a whole number from 1 to 512"
	}
	return int(n), "", ""
}

// typeLabel is how operators of Interlock find their proxies.
const typeLabel = "type"

// service looks at what Swarm is told of a proxy.
func (c *checker) service(p *Proxy) {
	onHost := !p.Network.Given() || p.Network.Value == "host"
	if p.Networks != nil && onHost {
		c.problem(firstOf(p.Networks, p.Pos), fmt.Sprintf("proxy %s is in the host's network, which excludes all others", p.Name), "leave networks out, or write network: published")
	}
	if p.Preferences != nil && !p.Replicas.Given() {
		c.problem(firstOf(p.Preferences, p.Pos), fmt.Sprintf("proxy %s runs on every node that fits, so there is nothing to spread", p.Name), "add replicas, or leave preferences out")
	}
	c.stop(p)
	if order := p.Update.Order; order.Value == "start-first" && (!onHost || p.Replicas.Given()) {
		why, hint := "its ports are taken on a node as long as the old one has them", "leave order out, or write network: host"
		if onHost {
			why, hint = "a node takes one of its replicas alone", "leave order out, or leave replicas out for a proxy on every node"
		}
		c.problem(order.Pos, fmt.Sprintf("proxy %s cannot start before the old one stops: %s", p.Name, why), hint)
	}
	c.resources(p.Resources)
	if connections, files := valueOr(p.Connections, defaultConnections), valueOr(p.OpenFiles, defaultOpenFiles); connections > files && files > 0 {
		pos := p.Connections.Pos
		if !p.Connections.Given() {
			pos = p.OpenFiles.Pos
		}
		c.problem(pos, fmt.Sprintf("a worker with %d files cannot have %d connections", files, connections), "give openFiles twice as many as connections: one for the client, one for the peer")
	}
	if value, ok := p.ServiceLabels[typeLabel]; ok {
		c.problem(value.Pos, "the label type says that the service is a proxy", "give the label another name")
	}
	c.mounts(p)
}

// firstOf is where a list begins, as far as somebody wrote an entry.
func firstOf(list []At[string], otherwise Pos) Pos {
	if len(list) == 0 || list[0].Pos.Line == 0 {
		return otherwise
	}
	return list[0].Pos
}

func (c *checker) stop(p *Proxy) {
	grace, drain := p.Stop.Grace, p.Drain
	setDefault(&drain, defaultDrain)
	if !grace.Given() || grace.Value == 0 || drain.Value == 0 || grace.Value >= drain.Value {
		return
	}
	c.problem(grace.Pos, fmt.Sprintf("proxy %s would be killed after %s, in the middle of its drain of %s", p.Name, ofTime(grace.Value), ofTime(drain.Value)),
		"give stop.grace more than drain, or leave it out")
}

func (c *checker) resources(r Resources) {
	if limit, reserved := r.Limits.CPUs.Value, r.Reservations.CPUs; limit > 0 && reserved.Value > limit {
		c.problem(reserved.Pos, fmt.Sprintf("a task reserves %s processors, but can have %s at most", reserved.Value, limit), "reserve no more than the limit")
	}
	if limit, reserved := r.Limits.Memory.Value, r.Reservations.Memory; limit > 0 && reserved.Value > limit {
		c.problem(reserved.Pos, fmt.Sprintf("a task reserves %s of memory, but can have %s at most", ofSize(reserved.Value), ofSize(limit)), "reserve no more than the limit")
	}
}

func (c *checker) mounts(p *Proxy) {
	taken := map[string]Pos{}
	for _, m := range p.Mounts {
		if m.Pos.Line == 0 || c.gaps.objects[m.Pos] {
			continue
		}
		isPath := strings.HasPrefix(m.Source.Value, "/")
		switch kind := m.Kind(); {
		case !m.Target.Given():
			c.problem(m.Pos, "this mount has no place in the proxy", "add one, like target: /srv/www")
		case kind == "tmpfs" && m.Source.Given():
			c.problem(m.Source.Pos, "a tmpfs is made of memory and has no source", "leave source out")
		case kind != "tmpfs" && kind != "" && !m.Source.Given():
			c.problem(m.Pos, "this mount has no source", "add the name of a volume, like source: www, or write type: tmpfs")
		case m.Source.Given() && m.Source.Value == "":
		case kind == "bind" && !isPath:
			c.problem(m.Source.Pos, fmt.Sprintf("%s is no path of the node", quote(m.Source.Value)), "write a path, like /srv/www, or type: volume")
		case kind == "volume" && isPath:
			c.problem(m.Source.Pos, fmt.Sprintf("%s is not the name of a volume", quote(m.Source.Value)), "write its name, like www, or type: bind")
		case kind == "bind" && !slices.Contains(c.given, Binds):
			c.problem(m.Source.Pos, "folders of nodes are not to be mounted here", "use a volume; only who runs Wharfinger can allow them, with --allow-binds")
		case kind != "tmpfs" && kind != "" && m.Target.Value == "/tmp":
			c.problem(m.Target.Pos, "nginx has its sockets in /tmp, and the next proxy must not find them there", "mount it elsewhere, or write type: tmpfs")
		}
		if !m.Target.Given() || m.Target.Value == "" {
			continue
		}
		target := path.Clean(m.Target.Value)
		if first, ok := taken[target]; ok {
			c.problem(m.Target.Pos, fmt.Sprintf("%s is mounted already, at %s", target, first), "leave one of them out")
			continue
		}
		taken[target] = m.Target.Pos
	}
}
