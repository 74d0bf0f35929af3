package interlock

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Service is a Swarm service, as far as its labels need it.
type Service struct {
	Name   string
	Labels map[string]string
	// Stack is the name of its stack, or "".
	Stack string
	// Networks are the overlays that it is on, by name, without the routing mesh's.
	Networks []string
	// Ports are those of TCP that it publishes.
	Ports []Port
}

// Port is one that a service publishes.
type Port struct {
	Target int
	// Host says that each task has it on its own node (mode=host).
	Host bool
}

// publishes reports whether tasks have a port on their nodes.
func (s Service) publishes(target int) bool { return slices.Contains(s.Ports, Port{target, true}) }

// targets lists the ports that the service publishes in any way.
func (s Service) targets() []int {
	var out []int
	for _, p := range s.Ports {
		out = append(out, p.Target)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// wish is what one service asks for with its labels. Those of the HTTP routing
// mesh make one each.
type wish struct {
	service Service
	// id tells the wishes of a service apart; label is the one that a problem of the
	// wish as a whole is told at.
	id, label string

	hosts, paths []said
	port         int
	portLabel    string
	network      said // as the service has it
	vip          said
	rewrite      said
	passthrough  said
	cert, key    said
	onlyTLS      said // plain HTTP is led to TLS
	cluster      string

	// Of the pool:
	hash                  said // as the format has it
	tls                   said
	maxFails, failTimeout said

	redirects []redirect
}

// wishes reads what the labels of a service ask for. It is empty where they ask for
// nothing, or for nothing that can be done.
func (set *labelSet) wishes() []*wish {
	_, named := set.lb[hosts]
	_, otherwise := set.lb[defaultHost]
	var out []*wish
	switch {
	case named || otherwise:
		if w := set.interlock(); w != nil {
			out = append(out, w)
		}
		set.meshLeftOut(out)
	case len(set.mesh) > 0:
		out = set.meshRoutes()
	case len(set.lb) > 0:
		if _, just := set.lb[cluster]; !just || len(set.lb) > 1 {
			set.problem(hosts, "it is not there, so the service is left out", "add the names that clients ask for, like "+hosts+"=shop.example.org")
		}
	}
	return out
}

// refused tells what is wrong with a value that the service cannot do without.
func (set *labelSet) refused(s said, complaint, hint string) {
	set.problem(s.label, complaint+", so the service is left out", hint)
}

// interlock reads the labels below com.docker.lb.
func (set *labelSet) interlock() *wish {
	first, ok := set.lb[hosts]
	if !ok {
		first = set.lb[defaultHost]
	}
	w := &wish{service: set.service, label: first.label}
	set.readHosts(w)
	fine := set.readShared(w)
	fine = set.readPort(w, set.lb[port], cmp.Or(set.lb[port].label, port), port) && fine
	fine = set.readBackend(w) && fine
	fine = set.readTLS(w) && fine
	set.readPaths(w)
	set.readSessions(w)
	set.readFails(w)
	w.redirects = set.readRedirects(w)
	if !fine {
		return nil
	}
	if len(w.hosts) == 0 && len(w.redirects) == 0 {
		set.refused(first, "it names no host", "add the names that clients ask for, like "+hosts+"=shop.example.org")
		return nil
	}
	set.withoutOpening(w)
	return w
}

// readShared reads what labels of both kinds can have beside them.
func (set *labelSet) readShared(w *wish) bool {
	if c := set.lb[cluster]; c.given() {
		w.cluster = c.value
	}
	w.network = set.lb[network]
	if !w.network.given() || w.network.value == "" {
		w.network = said{}
		return true
	}
	s := set.service
	found, ok := inStack(w.network.value, s.Stack, s.Networks)
	if !ok {
		at := slices.IndexFunc(s.Networks, func(n string) bool {
			return strings.EqualFold(n, w.network.value) || strings.EqualFold(n, s.Stack+"_"+w.network.value)
		})
		if at < 0 {
			set.refused(w.network, fmt.Sprintf("the service is not on a network %s", quoted(w.network.value)), onNetworks(s))
			return false
		}
		found = s.Networks[at]
		set.problem(w.network.label, fmt.Sprintf("%s is read as %s", quoted(w.network.value), found), "write it as docker network ls shows it")
	}
	w.network.value = found
	return true
}

func onNetworks(s Service) string {
	if len(s.Networks) == 0 {
		return "it is on no overlay; put it on one with docker service update --network-add NETWORK " + s.Name
	}
	return "it is on " + strings.Join(s.Networks, ", ")
}

func (set *labelSet) readHosts(w *wish) {
	add := func(host, label string) {
		if !slices.ContainsFunc(w.hosts, func(h said) bool { return h.value == host }) {
			w.hosts = append(w.hosts, said{host, label})
		}
	}
	if h := set.lb[hosts]; h.given() {
		items, odd := list(h.value, "; \t\r\n")
		if odd {
			set.problem(h.label, fmt.Sprintf("%s is read as %s", quoted(h.value), strings.Join(items, ", ")), "write commas between hosts")
		}
		for _, item := range items {
			a := addressOf(item)
			if a.path != "" || a.host == "" {
				add(item, h.label) // no host, which is told
				continue
			}
			if a.scheme != "" || a.port != "" {
				set.problem(h.label, fmt.Sprintf("%s is read as %s", quoted(item), a.host), "write the name alone, without scheme and port")
			}
			if rest, ok := strings.CutPrefix(a.host, "."); ok { // nginx's own short form
				add(rest, h.label)
				a.host = "*." + rest
			}
			add(a.host, h.label)
		}
	}
	if set.yes(defaultHost) {
		add("*", set.lb[defaultHost].label)
	}
}

// yes reads a label that says true or false. One without a value is meant to be on.
func (set *labelSet) yes(name string) bool {
	s := set.lb[name]
	if !s.given() {
		return false
	}
	if s.value == "" {
		set.problem(s.label, "it has no value and is read as true", "write true or false")
		return true
	}
	yes, ok := truth(s.value)
	if !ok {
		set.problem(s.label, fmt.Sprintf("%s is not true or false, so it is read as false", quoted(s.value)), "write true or false")
	}
	return yes
}

// readPort reads the target port, or finds the only one that there is. name is what
// it should stand behind: a label, or a word inside of that label.
func (set *labelSet) readPort(w *wish, s said, label, name string) bool {
	targets := set.service.targets()
	hint := "write the port that the tasks listen on, like " + name + "=8080"
	w.portLabel = label
	text := strings.TrimPrefix(strings.TrimSuffix(lower(s.value), "/tcp"), ":")
	switch n, err := strconv.Atoi(text); {
	case s.given() && s.value != "" && (err != nil || n < 1 || n > 65535):
		set.refused(s, fmt.Sprintf("%s is not a port", quoted(s.value)), hint)
		return false
	case s.given() && s.value != "":
		w.port = n
		return true
	}
	switch len(targets) {
	case 1:
		w.port = targets[0]
		set.problem(label, fmt.Sprintf("it tells no port, so the only one that the service publishes is taken, %d", w.port), hint)
		return true
	case 0:
		set.refused(said{"", label}, "it tells no port, and the service publishes none", hint)
	default:
		set.refused(said{"", label}, fmt.Sprintf("it tells no port, and the service publishes several, %s", commas(targets)), hint)
	}
	return false
}

func (set *labelSet) readBackend(w *wish) bool {
	mode := set.lb[backendMode]
	switch lower(mode.value) {
	case "", "task", "tasks":
	case "vip":
		w.vip = mode
	default:
		set.refused(mode, fmt.Sprintf("%s is not a backend mode", quoted(mode.value)), "write task or vip")
		return false
	}
	if set.yes(sslBackend) {
		w.tls = set.lb[sslBackend]
	}
	verify := set.lb[sslVerify]
	if yes, ok := truth(verify.value); verify.value != "" && (yes || !ok) && w.tls.given() {
		set.refused(verify, fmt.Sprintf("%s asks for verification, but no label says who signs the certificates of the tasks", quoted(verify.value)),
			"write none; or route the service from the repository, with a pool that has tls: {ca: …}")
		return false
	}
	return true
}

func (set *labelSet) readTLS(w *wish) bool {
	if set.yes(passthrough) {
		w.passthrough = set.lb[passthrough]
	}
	w.cert, w.key = set.lb[sslCert], set.lb[sslKey]
	if w.cert.value == "" && w.key.value != "" {
		set.refused(w.key, "there is a key and no certificate", "add "+sslCert+" with the secret that holds it")
		return false
	}
	if w.cert.value == "" {
		w.cert, w.key = said{}, said{}
	} else if w.key.value == "" {
		set.problem(sslKey, fmt.Sprintf("it is not there, so the key is taken to be in %s, too", w.cert.value), "add the secret that holds it")
		w.key = said{w.cert.value, w.cert.label}
	}
	if set.yes(sslOnly) {
		w.onlyTLS = set.lb[sslOnly]
	}
	return true
}

func (set *labelSet) readPaths(w *wish) {
	root := set.lb[contextRoot]
	items := []string{root.value}
	if !strings.HasPrefix(root.value, "~") {
		items, _ = list(root.value, ";\r\n")
	}
	for _, item := range items {
		path := item
		if !strings.HasPrefix(path, "=") && !strings.HasPrefix(path, "~") {
			path = strings.TrimRight(strings.TrimSuffix(path, "*"), "/")
			if path != "" && !strings.HasPrefix(path, "/") {
				path = "/" + path
			}
			if path != strings.TrimRight(item, "/") {
				set.problem(root.label, fmt.Sprintf("%s is read as %s", quoted(item), quoted(path+"/")), "write it so")
			}
			if path == "" {
				path = "/"
			}
		}
		if item != "" && !slices.ContainsFunc(w.paths, func(p said) bool { return p.value == path }) {
			w.paths = append(w.paths, said{path, root.label})
		}
	}
	if set.yes(rewrite) {
		w.rewrite = set.lb[rewrite]
		if len(w.paths) == 0 {
			set.problem(w.rewrite.label, "there is no "+contextRoot+" to take off"+without[anOption], "add it, or leave this one out")
		}
	}
}

func (set *labelSet) readSessions(w *wish) {
	cookie, byAddress := set.lb[sticky], set.yes(ipHash)
	if byAddress {
		w.hash = said{"client", set.lb[ipHash].label}
	}
	if no, ok := truth(cookie.value); cookie.value == "" || ok && !no {
		if cookie.value != "" {
			set.problem(cookie.label, fmt.Sprintf("%s is read as no cookie", quoted(cookie.value)), "leave the label out")
		}
		return
	}
	w.hash = said{"cookie:" + cookie.value, cookie.label}
	if byAddress {
		set.problem(set.lb[ipHash].label, "the cookie chooses the task already, so it has no effect", "leave one of "+ipHash+" and "+sticky+" out")
	}
}

func (set *labelSet) readFails(w *wish) {
	if fails := set.lb[maxFails]; fails.value != "" {
		if n, err := strconv.Atoi(fails.value); err != nil || n < 0 || n > 1000 {
			set.problem(fails.label, fmt.Sprintf("%s is not a number from 0 to 1000, so it has no effect", quoted(fails.value)), "write how many failures take a task out for a while, like 3")
		} else {
			w.maxFails = said{strconv.Itoa(n), fails.label}
		}
	}
	if timeout := set.lb[failTimeout]; timeout.value != "" {
		w.failTimeout = said{strings.ReplaceAll(lower(timeout.value), " ", ""), timeout.label}
		if last := w.failTimeout.value[len(w.failTimeout.value)-1]; '0' <= last && last <= '9' {
			w.failTimeout.value += "s" // as nginx counts
		}
	}
}

// withoutOpening takes off what has no effect where TLS is handed on unopened.
func (set *labelSet) withoutOpening(w *wish) {
	if !w.passthrough.given() {
		return
	}
	why := "TLS is handed on unopened" + without[anOption]
	for _, s := range []*said{&w.cert, &w.rewrite, &w.tls} {
		if s.given() {
			set.problem(s.label, why, "leave it or "+passthrough+" out")
			*s = said{}
		}
	}
	w.key = said{}
	if strings.HasPrefix(w.hash.value, "cookie:") {
		set.problem(w.hash.label, "TLS is handed on unopened, and cookies with it"+without[anOption], "leave it out; "+ipHash+" chooses the task by the client's address")
		w.hash = said{}
	}
	if len(w.paths) > 0 && !(len(w.paths) == 1 && w.paths[0].value == "/") {
		set.problem(w.paths[0].label, why, "leave it or "+passthrough+" out")
	}
	w.paths = nil
}
