package interlock

import (
	"regexp"
	"strconv"
	"strings"
)

// part is what is left out for a mistake: a host, a path, a redirect or an option
// of a wish on one proxy, or all of it where kind is empty.
type part struct{ proxy, service, wish, kind, value string }

// The kinds of parts, and what it means that one is left out.
const (
	whole     = ""
	atHost    = "host"
	atPath    = "path"
	anOption  = "option"
	aRedirect = "redirect"
	aSlash    = "slash"
)

var without = map[string]string{
	whole:     ", so the service is left out",
	atHost:    ", so the service is not reached there",
	atPath:    ", so the service is not reached there",
	anOption:  ", so it has no effect",
	aRedirect: ", so there is no such redirect",
	aSlash:    ", so nobody is led to the path with a slash",
}

// cause is whose label something was written for.
type cause struct {
	part
	label string
}

// text is a file in the format of a repository. Each line knows its causes.
type text[C any] struct {
	b      strings.Builder
	causes [][]C
}

// add writes one line. Whatever comes from somebody stands in it by way of quote or
// plain, or as a number that was read.
func (t *text[C]) add(indent int, line string, causes ...C) {
	t.b.WriteString(strings.Repeat("  ", indent))
	t.b.WriteString(line)
	t.b.WriteByte('\n')
	t.causes = append(t.causes, causes)
}

// quote writes text so that YAML reads it as it is: Go's quotes are YAML's, too.
func quote(s string) string { return strconv.QuoteToASCII(strings.ToValidUTF8(s, "\ufffd")) }

// bare is what YAML takes for a text, and for the same one, without quotes.
var bare = regexp.MustCompile(`^(?:[A-Za-z/][A-Za-z0-9./_:=@ -]*|[0-9]{1,9}(?:ms|[smhdkg]))$`)

// notBare are texts that YAML takes for something else, in one version or another.
var notBare = regexp.MustCompile(`(?i)^(?:true|false|null|yes|no|on|off|y|n)$|: |[: ]$`)

// plain is quote with as little around the text as can be.
func plain(text string) string {
	if bare.MatchString(text) && !notBare.MatchString(text) {
		return text
	}
	return quote(text)
}

// nameOf makes a name of the format from a service's.
func nameOf(service string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, lower(service))
	const most = 48 // which leaves room for what comes behind it
	if len(name) > most {
		name = name[:most]
	}
	if name = strings.Trim(name, "._-"); name == "" {
		return "service"
	}
	return name
}

// names gives out each name once.
type names map[string]bool

func (n names) take(name string) string {
	free := name
	for i := 2; n[free]; i++ {
		free = name + "." + strconv.Itoa(i)
	}
	n[free] = true
	return free
}
