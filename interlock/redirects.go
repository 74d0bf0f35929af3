package interlock

import (
	"fmt"
	"strconv"
	"strings"
)

// redirect leads clients from one host to another, or to TLS.
type redirect struct {
	label  string
	host   string // asked for
	path   string // and below it, or ""
	to     address
	port   int // of to, or 0
	status int
	// mild does nothing where there is no TLS to lead to.
	mild bool
}

// toTLS reports whether it leads to the same host by TLS.
func (r redirect) toTLS() bool {
	return r.to.scheme == "https" && r.to.host == r.host && r.to.path == "" && r.path == ""
}

// name tells the redirects of a service apart.
func (r redirect) name() string { return r.host + r.path }

const likeRedirects = "write them like http://old.example.org,http://new.example.org;"

// readRedirects reads `source,target;source,target`.
func (set *labelSet) readRedirects(w *wish) []redirect {
	s := set.lb[redirects]
	if no, ok := truth(s.value); ok && !no {
		return nil
	}
	var out []redirect
	for _, pair := range strings.FieldsFunc(s.value, func(r rune) bool { return r == ';' || r == '\n' || r == '\r' }) {
		ends, _ := list(pair, " \t")
		switch {
		case len(ends) == 0:
			continue
		case len(ends) != 2:
			set.problem(s.label, fmt.Sprintf("%s is not a source and a target, so there is no such redirect", quoted(strings.TrimSpace(pair))), likeRedirects)
			continue
		}
		if r, ok := set.redirect(s.label, ends[0], ends[1], 302); ok {
			out = append(out, r)
		}
	}
	return out
}

// redirect reads the two ends of one.
func (set *labelSet) redirect(label, source, target string, status int) (redirect, bool) {
	from, to := addressOf(source), addressOf(target)
	if to.scheme == "sni" {
		to.scheme = "https"
	}
	bare := to.scheme == ""
	if bare {
		to.scheme = "http"
	}
	r := redirect{label: label, host: from.host, path: from.path, to: to, status: status}
	wrong := ""
	switch n, err := strconv.Atoi(to.port); {
	case from.host == "" || to.host == "":
		wrong = "names no host"
	case to.scheme != "http" && to.scheme != "https":
		wrong = "leads to neither http nor https"
	case to.port != "" && (err != nil || n < 1 || n > 65535):
		wrong = "has no port behind its colon"
	case strings.ContainsAny(to.path, "$?#%"):
		wrong = "has more than a path in its target"
	case to.host == from.host && to.port == from.port && to.path == from.path && (to.scheme == "http" || to.path != ""):
		wrong = "leads to itself" // a path is redirected for plain HTTP and TLS alike
	case to.host == from.host && to.port == from.port && strings.HasPrefix(to.path, from.path+"/"):
		wrong = "leads below what it redirects, again and again"
	default:
		if bare {
			set.problem(label, fmt.Sprintf("%s has no scheme in its target and is read as http://%s", quoted(source+","+target), to.host), likeRedirects)
		}
		r.port = n
		return r, true
	}
	set.problem(label, fmt.Sprintf("%s %s, so there is no such redirect", quoted(source+","+target), wrong), likeRedirects)
	return r, false
}
