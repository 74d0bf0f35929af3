package generator

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/bits"
	"regexp"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"

	"github.com/wharfinger/wharfinger/templates"
)

// File is one rendered file. Its path is relative to the folder of nginx.conf.
type File struct {
	Path string
	Data []byte
}

// Files is what one nginx is started with, sorted by path.
type Files struct {
	// Digest is of all files, in hexadecimal. The status listener answers it.
	Digest string
	All    []File
}

// fromSprig is the functions of sprig that templates may use: pure ones, whose
// cost does not grow beyond their input.
var fromSprig = []string{
	"add", "coalesce", "contains", "default", "div", "empty", "has", "hasPrefix", "hasSuffix",
	"join", "list", "lower", "max", "min", "mul", "replace", "sub", "ternary", "trim",
	"trimPrefix", "trimSuffix", "upper",
}

// embedded is the parsed templates of the program. A template that does not parse cannot be built
// into a working program, so it panics at start, where every test meets it.
var embedded = template.Must(template.New("").Funcs(funcs()).Option("missingkey=error").ParseFS(templates.FS, "*.tmpl"))

func funcs() template.FuncMap {
	all, out := sprig.HermeticTxtFuncMap(), template.FuncMap{}
	for _, name := range fromSprig {
		out[name] = all[name]
	}
	out["quote"] = quote
	out["expand"] = expand
	out["regex"] = expand
	out["text"] = text
	out["innerPath"] = innerPath
	out["outOf"] = outOf
	out["seconds"] = seconds
	return out
}

// quote writes a value so that nginx reads it as one word. Between double
// quotes only the backslash and the quote itself mean something; `$` cannot be
// written at all and is refused (ngx_conf_read_token).
func quote(s string) (string, error) {
	if strings.Contains(s, "$") {
		return "", fmt.Errorf("%q cannot be written in nginx.conf", s)
	}
	return expand(s)
}

// expand is quote for values in which nginx's variables are meant, and for
// regular expressions, where nginx looks for none.
func expand(s string) (string, error) {
	if i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 127 }); i >= 0 {
		return "", fmt.Errorf("%q cannot be written in nginx.conf", s)
	}
	return `"` + escapes.Replace(s) + `"`, nil
}

// text writes what people meant as it is; a dollar sign stands in a variable.
func text(t Text) string {
	if t.Variables != nil {
		return `"$` + strings.Join(t.Variables, "$") + `"`
	}
	return `"` + textEscapes.Replace(t.Plain) + `"`
}

var textEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", "${dollar}", "\n", `\n`, "\t", `\t`)

// innerPath is where an inner location lies; behind it comes the client's path.
// No client gets there. It does not end with a slash, for nginx redirects to
// locations that do.
func innerPath(name string) string { return "/.route/" + name + ":" }

// outOf matches a path in an inner location, or in one that clients reach where
// the name is empty; its group is the path that the client asked for.
func outOf(name string) string {
	if name == "" {
		return `(?s)^(/.*)`
	}
	return `(?s)^` + regexp.QuoteMeta(innerPath(name)) + `(/.*)`
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// seconds writes a duration as nginx reads times.
func seconds(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}

// Render writes the files of one proxy with the program's own templates.
func Render(p Proxy) (Files, error) { return Templates{}.Render(p) }

// Render writes the files of one proxy.
func (t Templates) Render(p Proxy) (Files, error) {
	digest, fragments, err := t.render(p, false)
	if err != nil {
		return Files{}, err
	}
	files := Files{Digest: digest}
	for _, f := range fragments {
		files.All = append(files.All, f.File)
	}
	return files, nil
}

// mainFile is what nginx.conf's template sees.
type mainFile struct {
	Proxy                Proxy
	Version              string
	HashSize, HashBucket int
	VariablesHash        int
	VariablesBucket      int // 0 for nginx's own
	HeadersBucket        int // so
	Uses                 uses
	Compressed           []string
	MinCompressed        int
	UnopenedHash         int           // for the names of those that are handed on
	DefaultServer        bool          // no route is for unknown hosts
	DefaultTLS           bool          // no route has a certificate for unknown hosts
	GRPC                 bool          // a route leads to a pool that speaks it
	HTTP2                bool          // is to be switched on for it
	OldTLS               bool          // to peers, unless nginx is told otherwise
	EscapedURI           []Map         // where somebody is sent to sign in
	KeepaliveMin         time.Duration // 0 where nginx does not have it
}

// keepaliveMin is how long an ending worker still answers on an idle
// connection: longer than a busy client's pause, shorter than any drain that
// wants it.
const keepaliveMin = 10 * time.Second

func mainOf(p Proxy) mainFile {
	asked := p.needs()
	m := mainFile{Proxy: p, Uses: asked.uses, Compressed: compressed, MinCompressed: minCompressed, Version: fmt.Sprintf("%d.%d", p.Nginx.Major, p.Nginx.Minor)}
	longest := 0
	m.DefaultServer, m.DefaultTLS = true, p.HTTPS != 0
	for _, s := range p.Servers {
		longest = max(longest, len(s.Host))
		if s.Host == "*" {
			m.DefaultServer, m.DefaultTLS = false, m.DefaultTLS && !s.TLS.Accepts()
		}
	}
	m.GRPC, m.OldTLS = asked.GRPC, asked.TLS && !p.Nginx.AtLeast(1, 27, 3)
	if p.Passthrough != nil {
		for _, h := range p.Passthrough.Hosts {
			longest = max(longest, len(h.Host))
		}
		m.UnopenedHash = max(2048, 1<<bits.Len(uint(2*len(p.Passthrough.Hosts))))
	}
	m.HTTP2 = p.Nginx.AtLeast(1, 25, 1) && p.HTTPS == 0 // with TLS it is on
	if asked.SignIn {
		m.EscapedURI = escapedURIMaps()
	}
	variables := 0
	for _, d := range p.Definitions {
		variables += len(d.Maps) + len(d.Splits)
	}
	for _, u := range p.Upstreams {
		variables += len(u.Maps)
	}
	m.VariablesHash = max(2048, 1<<bits.Len(uint(2*variables)))
	// Past some hundred, three of them meet in a bucket that two fill, and nginx says so.
	if variables > 128 || max(asked.variable, longestVariable(p)) > longestInBucket {
		m.VariablesBucket = 256
	}
	if asked.header > longestInBucket {
		m.HeadersBucket = 128
	}
	// nginx puts names into buckets of a fixed size and refuses to start when one
	// does not fit (server_names_hash_*). A bucket of 512 bytes takes the longest
	// host there can be. Steps of two keep nginx.conf the same when a host comes.
	m.HashBucket = 128
	if longest > 96 {
		m.HashBucket = 512
	}
	m.HashSize = max(512, 1<<bits.Len(uint(2*len(p.Servers))))
	if p.Nginx.AtLeast(1, 27, 4) {
		m.KeepaliveMin = min(keepaliveMin, p.Drain)
	}
	return m
}

// longestInBucket is how long a name is at most that a bucket of 64 bytes takes,
// which is what nginx has by itself (NGX_HASH_ELT_SIZE).
const longestInBucket = 46

// longestVariable is how long the variables of a proxy's definitions and pools are at
// most.
func longestVariable(p Proxy) int {
	longest := 0
	see := func(name string) { longest = max(longest, len(name)) }
	for _, d := range p.Definitions {
		for _, m := range d.Maps {
			see(m.Variable)
		}
		for _, s := range d.Splits {
			see(s.Variable)
		}
		for _, g := range d.Geos {
			see(g.Variable)
		}
	}
	for _, u := range p.Upstreams {
		for _, m := range u.Maps {
			see(m.Variable)
		}
	}
	return longest
}

// fileName is a host as part of a file's name, which has at most 255 bytes. No
// host has a plus sign, so no two hosts have one name.
func fileName(host string) string {
	name := strings.Replace(host, "*", "+", 1)
	if len(name) > 200 {
		sum := sha256.Sum256([]byte(host))
		name = name[:180] + "+" + hex.EncodeToString(sum[:8])
	}
	return name
}
