package interlock

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/distribution/reference"

	"github.com/wharfinger/wharfinger/directive"
)

// draft is a proxy of the format, as far as an extension says what it is.
type draft struct {
	*importer
	of     *setting // the extension
	name   string
	fields map[string]field // by their paths
	none   []line           // comments: what has no equivalent
}

// field is one of a proxy: a value, the items of a list, or the lines of a text.
type field struct {
	of    *setting // of a list or a table as a whole
	form  string   // before each line
	head  string   // behind the field's name
	lines []line
}

// line is one of a file, and the setting that it is there for.
type line struct {
	text string
	of   *setting
}

// fieldsInOrder are the paths of all fields that a draft can have, as they are
// written.
var fieldsInOrder = []string{
	"image", "network", "constraints", "preferences", "replicas", "networks", "labels", "labels.read", "labels.cluster",
	"listen.http", "listen.https", "status.port", "drain", "stop.signal", "update.delay", "workers", "connections", "openFiles",
	"profile", "serviceLabels", "containerLabels", "defaults.maxBody", "defaults.infoHeaders",
	"defaults.timeouts.connect", "defaults.timeouts.send", "defaults.timeouts.read", "defaults.timeouts.client", "snippet",
}

func (d *draft) set(path, value string, of *setting) {
	d.fields[path] = field{lines: []line{{value, of}}}
}

// without notes that nothing becomes of a setting, and why.
func (d *draft) without(of *setting, reason string) {
	d.none = append(d.none, d.comment(of, reason))
}

func scalarTo(path string) func(*draft, *setting) {
	return func(d *draft, s *setting) {
		d.set(path, plain(s.value.(string)), s)
	}
}

func numberTo(path string) func(*draft, *setting) {
	return func(d *draft, s *setting) {
		value := s.value.(string)
		if !numbers.MatchString(value) {
			value = plain(value)
		}
		d.set(path, value, s)
	}
}

func listTo(path string) func(*draft, *setting) {
	return func(d *draft, s *setting) {
		f := field{of: s, form: "- "}
		for _, item := range s.value.([]*setting) {
			f.lines = append(f.lines, line{plain(item.value.(string)), item})
		}
		d.put(path, f)
	}
}

func mapTo(path string) func(*draft, *setting) {
	return func(d *draft, s *setting) {
		f := field{of: s}
		for _, item := range s.value.([]*setting) {
			f.lines = append(f.lines, line{plain(item.key) + ": " + plain(item.value.(string)), item})
		}
		d.put(path, f)
	}
}

// put is set for fields of several lines.
func (d *draft) put(path string, f field) {
	f.head = " " // it has lines of its own
	d.fields[path] = f
}

// stockNginx is what proxies run where the file says nothing that fits.
const stockNginx = "nginx:1.30"

// image takes an image that says of itself that it is nginx, and which. Interlock's
// own and all others may have anything in them.
func (d *draft) image(s *setting) {
	image := s.value.(string)
	if strings.Contains(image, "interlock-proxy") {
		d.without(s, "it is Interlock's own, and here stock nginx is needed: "+stockNginx+" stands in its place")
		return
	}
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		d.set("image", plain(image), s) // which is told
		return
	}
	path := reference.Path(named)
	tagged, _ := named.(reference.Tagged)
	switch {
	case path[strings.LastIndex(path, "/")+1:] != "nginx":
		d.without(s, "it does not say that it is nginx, so "+stockNginx+" stands in its place; if it is, write it, and its version as nginx: 1.30")
	case tagged == nil || !startsAsVersion.MatchString(tagged.Tag()):
		d.without(s, "its tag does not say which nginx it is, so "+stockNginx+" stands in its place")
	case tooOld.MatchString(tagged.Tag()):
		d.without(s, "1.22 is the oldest nginx that will do, so "+stockNginx+" stands in its place")
	default:
		d.set("image", plain(image), s)
	}
}

var (
	startsAsVersion = regexp.MustCompile(`^[0-9]+\.[0-9]+`)
	tooOld          = regexp.MustCompile(`^(?:0|1\.(?:[0-9]|1[0-9]|2[01]))(?:[^0-9]|$)`)
)

func (d *draft) publishMode(s *setting) {
	switch lower(s.value.(string)) {
	case "host":
		d.set("network", "published", s)
	case "ingress":
		d.set("network", "ingress", s)
	default:
		d.wrong(s.at, fmt.Sprintf("%s is not a mode to publish ports", quoted(s.value.(string))), "it is host or ingress")
	}
}

// preferences need replicas, which may be told later.
func (d *draft) preferences(s *setting) {
	for _, item := range s.value.([]*setting) {
		item.value = strings.TrimSpace(strings.TrimPrefix(item.value.(string), "spread="))
	}
	listTo("preferences")(d, s)
}

// signal takes the names that Docker takes, too.
func (d *draft) signal(s *setting) {
	name := strings.ToUpper(s.value.(string))
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if name != "SIGQUIT" { // which it is anyway
		d.set("stop.signal", plain(name), s)
	}
}

func (d *draft) infoHeaders(s *setting) {
	d.set("defaults.infoHeaders", map[string]string{"true": "false", "false": "true"}[s.value.(string)], s)
}

// settle sees to what fields need of each other, when all are known.
func (d *draft) settle() {
	if f, ok := d.fields["preferences"]; ok && d.fields["replicas"].lines == nil {
		delete(d.fields, "preferences")
		d.without(f.of, "a proxy without ProxyReplicas runs on every node that fits, so there is nothing to spread")
	}
	if f, ok := d.fields["openFiles"]; ok && d.fields["connections"].lines == nil {
		if files, err := strconv.Atoi(f.lines[0].text); err == nil && files < ourConnections {
			d.set("connections", strconv.Itoa(min(files, itsConnections)), f.lines[0].of)
		}
	}
}

const (
	// itsConnections is what a worker of Interlock's nginx had, ourConnections is what
	// one has here, where nobody says how many.
	itsConnections = 1024
	ourConnections = 16384
)

// versionsOfTLS are those that nginx has names for.
var versionsOfTLS = []string{"SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}

func (d *draft) protocols(s *setting) {
	modern, old := true, false
	for _, word := range strings.FieldsFunc(s.value.(string), func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }) {
		i := slices.IndexFunc(versionsOfTLS, func(v string) bool { return strings.EqualFold(v, word) })
		if i < 0 {
			d.wrong(s.at, fmt.Sprintf("%s is not a version of TLS", quoted(word)), "they are "+strings.Join(versionsOfTLS, ", "))
			return
		}
		modern, old = modern && i == 5, old || i < 4
	}
	if old {
		d.without(s, "nothing older than TLS 1.2 is served")
	}
	d.set("profile", map[bool]string{true: "modern", false: "intermediate"}[modern], s)
}

// directiveOf hands a setting on to nginx, where snippets are allowed.
func directiveOf(name string) func(*draft, *setting) {
	return func(d *draft, s *setting) {
		value := s.value.(string)
		if !inDirective.MatchString(value) {
			d.wrong(s.at, fmt.Sprintf("%s is nothing that nginx takes for %s", quoted(value), name), "write it as nginx does, like 8k, 4 8k or 75s")
			return
		}
		d.snippet(name+" "+value+";", s)
	}
}

var inDirective = regexp.MustCompile(`^[0-9]+[a-zA-Z]{0,2}(?: [0-9]+[a-zA-Z]{0,2})?$`)

// underscores are off in nginx by itself.
func (d *draft) underscores(s *setting) { d.snippet("underscores_in_headers on;", s) }

// lines hands nginx's own language on, each piece by itself, where snippets are
// allowed.
func lines(s *setting) []*setting {
	if list, ok := s.value.([]*setting); ok {
		return list
	}
	return []*setting{s}
}

func (d *draft) raw(s *setting) {
	for _, one := range lines(s) {
		text := one.value.(string)
		if !strings.HasSuffix(text, ";") && !strings.HasSuffix(text, "}") {
			text += ";"
		}
		d.snippet(text, &setting{key: s.key, pos: one.at, at: one.at, value: one.value, kind: aWord})
	}
}

// snippet adds to the proxy's snippet, which stands in nginx's http block.
func (d *draft) snippet(text string, of *setting) {
	if !d.snippets {
		d.without(of, "it takes the snippet "+quoted(text)+", and only who runs Wharfinger can allow snippets: import the file with --allow-snippets")
		return
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && !strings.ContainsRune("\t\r\n", r) }) {
		d.without(of, "it has characters that cannot be printed")
		return
	}
	for _, c := range directive.Check(text, directive.HTTP) {
		d.without(of, "no snippet can have it: "+c.Text+" ("+c.Hint+")")
		return
	}
	f := d.fields["snippet"]
	f.head = " |"
	for one := range strings.Lines(text) {
		f.lines = append(f.lines, line{strings.TrimRight(one, " \t\r\n"), of})
	}
	d.fields["snippet"] = f
}
