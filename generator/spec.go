package generator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// Spec is the part of a service's specification that a repository can name. What
// is zero in what a repository says is not named.
type Spec struct {
	Image       string   `json:"image,omitempty"`
	Constraints []string `json:"constraints,omitempty"`
	// Replicated says that Replicas run, at most PerNode of them on a node (0 is any
	// number); otherwise one runs on every node that fits. Swarm knows no way from
	// the one to the other.
	Replicated bool `json:"replicated,omitempty"`
	Replicas   int  `json:"replicas,omitempty"`
	PerNode    int  `json:"perNode,omitempty"`
	// Preferences are the labels over whose values replicas are spread, the first
	// before the others (Placement.Preferences).
	Preferences []string `json:"preferences,omitempty"`
	// Signal ends a task (ContainerSpec.StopSignal); empty for the image's own.
	Signal string `json:"signal,omitempty"`
	// Grace is how long Swarm waits between the stop signal and the kill; 0
	// where the repository does not say (ContainerSpec.StopGracePeriod).
	Grace time.Duration `json:"grace,omitempty"`
	// Networks are those that the proxy joins; HostNetwork alone, or overlays. Sorted
	// by ID.
	Networks []Network `json:"networks,omitempty"`
	// Publish are the ports that the service publishes. Sorted.
	Publish []PublishedPort `json:"publish,omitempty"`
	// Order is that of an update: start-first or stop-first. It alone is no reason
	// for one, unless the repository names it.
	Order  string `json:"order,omitempty"`
	Update Update `json:"update,omitzero"`
	// Secrets lie in the proxy at SecretFolder, each as a file of its name that
	// everybody there may read. Sorted by name.
	Secrets []Secret `json:"secrets,omitempty"`
	// Mounts are sorted by their targets.
	Mounts       []Mount `json:"mounts,omitempty"`
	Limits       Amounts `json:"limits,omitzero"`
	Reservations Amounts `json:"reservations,omitzero"`
	// Labels are those of the service but for Wharfinger's own, ContainerLabels those
	// of its containers.
	Labels          map[string]string `json:"labels,omitempty"`
	ContainerLabels map[string]string `json:"containerLabels,omitempty"`

	// Uses counts the places in the files that name each secret, and Listens are the
	// ports that nginx has in the host's network. Both are there in what was applied
	// alone, for a service does not tell.
	Uses    map[string]int  `json:"uses,omitempty"`
	Listens []PublishedPort `json:"listens,omitempty"`
}

// Update is how Swarm replaces a service's tasks (ServiceSpec.UpdateConfig). Order
// stands in Spec.
type Update struct {
	Parallelism int           `json:"parallelism,omitempty"`
	Delay       time.Duration `json:"delay,omitempty"`
	Monitor     time.Duration `json:"monitor,omitempty"`
	Failure     string        `json:"failure,omitempty"` // rollback, pause or continue
}

// Mount is a folder or a volume in a proxy.
type Mount struct {
	Target   string `json:"target"`
	Source   string `json:"source,omitempty"`
	Type     string `json:"type"` // bind, volume, tmpfs, or what an operator chose
	ReadOnly bool   `json:"readOnly,omitempty"`
}

// Amounts are resources of a task.
type Amounts struct {
	CPUs   int64 `json:"cpus,omitempty"`   // in billionths of a processor
	Memory int64 `json:"memory,omitempty"` // in bytes
}

// SigQuit has nginx finish what it has and then end.
const SigQuit = "SIGQUIT"

// betweenNodes is how long a new proxy is watched before the next node's turn. An
// nginx that refuses its files ends within a fraction of it, so that a bad rollout
// meets one node and not all. On that node nothing is lost either: the old proxy was
// seen to get its SIGQUIT 3.1 s after the start of the new one (engine 20.10.24),
// whatever Delay and Monitor are.
const betweenNodes = time.Second

// monitored is how long a new proxy counts as one that failed when it ends
// (UpdateConfig.Monitor). An nginx that cannot have a port, since something else on
// the node has it, tries five times within 2.5 s and ends then
// (ngx_open_listening_sockets). With less, Swarm would go on to the next node and
// leave this one without a proxy until the deadline.
const monitored = 3 * time.Second

// named is what a repository says of a proxy's service, but for what follows from
// its routes.
func named(p *route.Proxy) Spec {
	s := Spec{
		Image: p.Image.Value, Constraints: route.Values(p.Constraints),
		Replicated: p.Replicas.Given(), Replicas: p.Replicas.Value, Preferences: route.Values(p.Preferences),
		Signal: p.Stop.Signal.Value, Grace: p.Stop.Grace.Value,
		Update: Update{p.Update.Parallelism.Value, p.Update.Delay.Value, p.Update.Monitor.Value, p.Update.Failure.Value},
		Limits: amounts(p.Resources.Limits), Reservations: amounts(p.Resources.Reservations),
		Labels: plainLabels(p.ServiceLabels), ContainerLabels: plainLabels(p.ContainerLabels),
	}
	if s.Replicated {
		s.PerNode = 1 // each takes ports of its node
	}
	if p.Drain.Given() && s.Grace == 0 {
		s.Grace = p.Drain.Value + graceBeyondDrain
	}
	for _, m := range p.Mounts {
		s.Mounts = append(s.Mounts, Mount{Target: m.Target.Value, Source: m.Source.Value, Type: m.Kind(), ReadOnly: m.ReadOnly.Value})
	}
	slices.SortFunc(s.Mounts, byTarget)
	return s
}

func byTarget(a, b Mount) int { return cmp.Compare(a.Target, b.Target) }

func amounts(a route.Amounts) Amounts {
	return Amounts{CPUs: int64(a.CPUs.Value), Memory: a.Memory.Value}
}

func plainLabels(labels map[string]route.At[string]) map[string]string {
	var out map[string]string
	for name, value := range labels {
		if out == nil {
			out = map[string]string{}
		}
		out[name] = value.Value
	}
	return out
}

// fresh is what a new service has: what the repository names, and where it does not
// say, what suits a proxy. From then on the latter is the operators'.
func (p Proxy) fresh() Spec {
	s := p.Spec
	s.Signal = cmp.Or(s.Signal, SigQuit)
	s.Grace = cmp.Or(s.Grace, p.Drain+graceBeyondDrain)
	s.Update.Parallelism = cmp.Or(s.Update.Parallelism, 1)
	s.Update.Delay = cmp.Or(s.Update.Delay, betweenNodes)
	s.Update.Monitor = cmp.Or(s.Update.Monitor, monitored)
	s.Update.Failure = cmp.Or(s.Update.Failure, "rollback")
	return s
}

// merger puts together what a service has, what was applied to it last and what the
// repository names now. What the repository names is brought back. A thing that it
// named before and no longer does goes, or becomes what a new service has; one that it
// never named is an operator's and stays.
type merger struct {
	live, applied, named, fresh Spec
	// report leaves what somebody changed by hand as it is, as long as the repository
	// says of it what it said before. What nginx's files need is brought back all the
	// same: networks, ports and secrets.
	report bool
	// orderNamed says that the repository itself names the order of updates.
	orderNamed bool
}

// after is the specification that a proxy's service gets, of which current is what
// it has now; nil where there is no service yet.
func (p Proxy) after(current *ProxyService) Spec {
	if current == nil {
		return p.fresh()
	}
	return merger{current.Spec, current.Applied, p.Spec, p.fresh(), p.Report, p.OrderNamed}.merge()
}

func (m merger) merge() Spec {
	out := m.live
	out.Image = m.image()
	out.Constraints = keepList(m, m.live.Constraints, m.applied.Constraints, m.named.Constraints)
	out.Replicas = keep(m, m.live.Replicas, m.applied.Replicas, m.named.Replicas, m.fresh.Replicas)
	out.PerNode = keep(m, m.live.PerNode, m.applied.PerNode, m.named.PerNode, m.fresh.PerNode)
	out.Preferences = m.preferences()
	out.Signal = keep(m, m.live.Signal, m.applied.Signal, m.named.Signal, m.fresh.Signal)
	out.Grace = keep(m, m.live.Grace, m.applied.Grace, m.named.Grace, m.fresh.Grace)
	out.Networks = mergeNetworks(m.live.Networks, m.applied.Networks, m.named.Networks)
	out.Publish = mergePorts(m.live, m.applied, m.named)
	out.Order = m.order()
	out.Secrets = mergeSecrets(m.live.Secrets, m.applied.Secrets, m.named.Secrets)
	out.Mounts = slices.SortedFunc(maps.Values(keepMap(m, byPlace(m.live.Mounts), byPlace(m.applied.Mounts), byPlace(m.named.Mounts))), byTarget)
	out.Update = m.update(m.live.Update, m.applied.Update, m.named.Update, m.fresh.Update)
	out.Limits = m.amounts(m.live.Limits, m.applied.Limits, m.named.Limits)
	out.Reservations = m.amounts(m.live.Reservations, m.applied.Reservations, m.named.Reservations)
	out.Labels = keepMap(m, m.live.Labels, m.applied.Labels, m.named.Labels)
	out.ContainerLabels = keepMap(m, m.live.ContainerLabels, m.applied.ContainerLabels, m.named.ContainerLabels)
	return out
}

// keep is merge for one value.
func keep[T comparable](m merger, live, applied, named, fresh T) T {
	var none T
	switch changed := live != applied; {
	case named == none && (applied == none || changed): // an operator's
		return live
	case m.report && named == applied && changed:
		return live
	}
	return fresh
}

// keepList is merge for values of which each is there or not.
func keepList(m merger, live, applied, named []string) []string {
	var out []string
	for _, value := range named {
		byHand := slices.Contains(applied, value) && !slices.Contains(live, value)
		if !slices.Contains(out, value) && !(m.report && byHand) {
			out = append(out, value)
		}
	}
	for _, value := range live {
		if !slices.Contains(named, value) && !slices.Contains(applied, value) {
			out = append(out, value)
		}
	}
	return out
}

// keepMap is merge for values that have names.
func keepMap[V comparable](m merger, live, applied, named map[string]V) map[string]V {
	var out map[string]V
	for name := range all(live, applied, named) {
		is, there := live[name]
		was, had := applied[name]
		want, wanted := named[name]
		changed := there != had || is != was
		byHand := had && wanted && want == was && changed
		switch {
		case wanted && !(m.report && byHand):
			is = want
		case !there || !wanted && had && !changed:
			continue
		}
		if out == nil {
			out = map[string]V{}
		}
		out[name] = is
	}
	return out
}

func all[V any](maps ...map[string]V) map[string]bool {
	names := map[string]bool{}
	for _, m := range maps {
		for name := range m {
			names[name] = true
		}
	}
	return names
}

func byPlace(mounts []Mount) map[string]Mount {
	out := map[string]Mount{}
	for _, m := range mounts {
		out[m.Target] = m
	}
	return out
}

func (m merger) update(live, applied, named, fresh Update) Update {
	return Update{
		Parallelism: keep(m, live.Parallelism, applied.Parallelism, named.Parallelism, fresh.Parallelism),
		Delay:       keep(m, live.Delay, applied.Delay, named.Delay, fresh.Delay),
		Monitor:     keep(m, live.Monitor, applied.Monitor, named.Monitor, fresh.Monitor),
		Failure:     keep(m, live.Failure, applied.Failure, named.Failure, fresh.Failure),
	}
}

func (m merger) order() string {
	if m.orderNamed && m.live.OnHost() && m.named.OnHost() {
		return keep(m, m.live.Order, m.applied.Order, m.named.Order, m.named.Order)
	}
	return mergeOrder(m.live, m.applied, m.named)
}

func (m merger) amounts(live, applied, named Amounts) Amounts {
	return Amounts{
		CPUs:   keep(m, live.CPUs, applied.CPUs, named.CPUs, named.CPUs),
		Memory: keep(m, live.Memory, applied.Memory, named.Memory, named.Memory),
	}
}

// image: a digest behind the same name is the engine's own and stays, unless the
// repository named it and does so no longer.
func (m merger) image() string {
	live, applied, named := m.live.Image, m.applied.Image, m.named.Image
	name, _, _ := strings.Cut(live, "@")
	switch {
	case name == named && live != applied:
		return live
	case m.report && named == applied && name != applied && live != applied:
		return live
	}
	return named
}

// preferences are one value, for their order counts.
func (m merger) preferences() []string {
	whole := func(s Spec) string { return strings.Join(s.Preferences, " ") }
	if keep(m, whole(m.live), whole(m.applied), whole(m.named), whole(m.named)) == whole(m.live) {
		return m.live.Preferences
	}
	return m.named.Preferences
}

// specChanges says in words what makes one specification of another.
func specChanges(live, want Spec) []string {
	var changes []string
	for i, was := range live.settings() {
		if is := want.settings()[i]; was.value != is.value {
			changes = append(changes, fmt.Sprintf("%s %s -> %s", was.name, cmp.Or(was.value, "none"), cmp.Or(is.value, "none")))
		}
	}
	for _, c := range want.Constraints {
		if !slices.Contains(live.Constraints, c) {
			changes = append(changes, "add constraint "+c)
		}
	}
	for _, c := range live.Constraints {
		if !slices.Contains(want.Constraints, c) {
			changes = append(changes, "remove constraint "+c)
		}
	}
	changes = append(changes, networkChanges(live.Networks, want.Networks)...)
	changes = append(changes, portChanges(live.Publish, want.Publish)...)
	changes = append(changes, secretChanges(live.Secrets, want.Secrets)...)
	changes = append(changes, mapChanges("mount", byPlace(live.Mounts), byPlace(want.Mounts))...)
	changes = append(changes, mapChanges("label", live.Labels, want.Labels)...)
	return append(changes, mapChanges("container label", live.ContainerLabels, want.ContainerLabels)...)
}

// setting is one value of a specification in words; "" is none.
type setting struct{ name, value string }

// settings are the single values of a specification, always the same ones.
func (s Spec) settings() []setting {
	mode := "one on every node"
	if s.Replicated {
		mode = strconv.Itoa(s.Replicas)
	}
	return []setting{
		{"image", s.Image},
		{"replicas", mode},
		{"replicas on a node", number(s.PerNode)},
		{"preferences", strings.Join(s.Preferences, ", ")},
		{"stop signal", s.Signal},
		{"stop grace period", period(s.Grace)},
		{"update parallelism", number(s.Update.Parallelism)},
		{"update delay", period(s.Update.Delay)},
		{"update monitor", period(s.Update.Monitor)},
		{"update failure action", s.Update.Failure},
		{"limit of processors", processors(s.Limits.CPUs)},
		{"limit of memory", bytesOf(s.Limits.Memory)},
		{"reserved processors", processors(s.Reservations.CPUs)},
		{"reserved memory", bytesOf(s.Reservations.Memory)},
	}
}

// says reports whether a repository names a value that was not applied.
func (s Spec) says(applied Spec) bool {
	was := applied.settings()
	for i, is := range s.settings() {
		if is.value != "" && is != was[i] {
			return true
		}
	}
	return saysMore(byPlace(s.Mounts), byPlace(applied.Mounts)) || saysMore(s.Labels, applied.Labels) || saysMore(s.ContainerLabels, applied.ContainerLabels)
}

func saysMore[V comparable](named, applied map[string]V) bool {
	for name, is := range named {
		if was, ok := applied[name]; !ok || was != is {
			return true
		}
	}
	return false
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func period(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func processors(billionths int64) string {
	if billionths == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(billionths)/1e9, 'f', -1, 64)
}

func bytesOf(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d bytes", n)
}

func (m Mount) String() string {
	out := cmp.Or(m.Source, "-") + " as " + m.Type
	if m.ReadOnly {
		out += ", read-only"
	}
	return out
}

// mapChanges says what comes, goes and changes, by name.
func mapChanges[V comparable](kind string, live, want map[string]V) []string {
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(all(live, want))) {
		was, had := live[name]
		is, has := want[name]
		switch {
		case !had:
			changes = append(changes, fmt.Sprintf("add %s %s: %v", kind, name, is))
		case !has:
			changes = append(changes, fmt.Sprintf("remove %s %s", kind, name))
		case was != is:
			changes = append(changes, fmt.Sprintf("%s %s: %v -> %v", kind, name, was, is))
		}
	}
	return changes
}
