package interlock

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/wharfinger/wharfinger/route"
)

// Imported is what Interlock's configuration becomes.
type Imported struct {
	// Data is a file in the format of a repository. Its proxies take their routes
	// from labels.
	Data []byte
	// Desired is what the file says.
	Desired *route.Desired
	// Notes tell what has no equivalent, with its place in Interlock's file. It stands
	// in Data as a comment, too.
	Notes route.Problems

	unlabelled []byte // Data without a word of labels
}

// Import reads the configuration of Interlock 2 or 3, a file in TOML of up to 1 MiB,
// and writes each of its extensions as a proxy. Where there is anything in it that
// cannot be meant, it answers all problems of it and nothing else. Lines of nginx's
// own language are taken over where snippets are allowed, as in route.Parse.
func Import(file route.File, given ...route.Permission) (Imported, route.Problems) {
	root, problems := readTOML(file)
	im := &importer{file: file.Path, from: oneLine(file.Path) + ", Interlock's configuration", given: given, snippets: slices.Contains(given, route.Snippets), taken: names{}}
	im.problems = problems
	if root != nil {
		im.read(root)
	}
	out, problems := im.write()
	if im.problems == nil && problems == nil {
		return out, nil
	}
	if im.problems != nil { // by which an extension as a whole may lack something
		problems = slices.DeleteFunc(problems, func(p route.Problem) bool {
			return slices.ContainsFunc(im.drafts, func(d *draft) bool { return d.of.at == p.Pos })
		})
	}
	im.problems = append(im.problems, problems...)
	if im.problems = im.problems.Sorted(); len(im.problems) > maxProblems {
		im.problems = append(im.problems[:maxProblems:maxProblems], route.Problem{Pos: im.problems[maxProblems].Pos, Text: "there are more problems from here on, which are not told", Hint: "mend these first"})
	}
	return Imported{}, im.problems
}

// importer reads one file.
type importer struct {
	told
	file     string
	from     string // what was read, for people
	given    []route.Permission
	snippets bool
	guesser  route.Guesser
	notes    route.Problems
	none     []line // comments on what stands at the head of the file
	drafts   []*draft
	taken    names // of proxies
}

// comment notes that nothing becomes of a setting, and makes a line of it.
func (im *importer) comment(of *setting, reason string) line {
	reason = printable(reason)
	im.notes = append(im.notes, route.Problem{Pos: of.pos, Text: fmt.Sprintf("%s is not taken over: %s", of.key, reason)})
	said := of.key
	if shown := of.shown(); shown != "" {
		said += " = " + shown
	}
	return line{fmt.Sprintf("# line %d: %s: %s", of.pos.Line, said, reason), of}
}

// read reads what a file says.
func (im *importer) read(root *section) {
	if list := folded(root, extensions); list != nil && list.kind == tables {
		im.problems = nil
		im.wrong(list.pos, "[[Extensions]] is how Interlock 1 wrote its extensions, whose files are not read",
			"write each one as [Extensions.NAME], with the keys of Interlock 2, which are in docs/interlock.md")
		return
	}
	d := &draft{importer: im}
	im.section(root, d, coreKeys, "the head of the file", func(_ key, s *setting) {
		for _, one := range s.value.(*section).settings {
			im.extension(one)
		}
	})
	im.none = d.none
	if len(im.drafts) == 0 && im.problems == nil {
		im.wrong(route.Pos{File: im.file, Line: 1, Col: 1}, "there is no extension, so there is no proxy", "write one as [Extensions.NAME]")
	}
}

// folded finds a setting as Interlock did, whose keys may be in any case.
func folded(s *section, name string) *setting {
	for _, one := range s.settings {
		if strings.EqualFold(one.key, name) {
			return one
		}
	}
	return nil
}

// section reads the settings of a table. What is a table itself is read by inner.
func (im *importer) section(s *section, d *draft, keys []key, where string, inner func(key, *setting)) {
	said := map[string]*setting{}
	for _, one := range s.settings {
		if im.full() {
			return
		}
		i := slices.IndexFunc(keys, func(k key) bool { return strings.EqualFold(k.name, one.key) })
		if i < 0 {
			im.unknown(one, keys, where)
			continue
		}
		k := keys[i]
		if before := said[k.name]; before != nil {
			im.wrong(one.pos, fmt.Sprintf("%s is written twice", oneLine(one.key)), fmt.Sprintf("%s at %s means the same: keep one of them", oneLine(before.key), before.pos))
			continue
		}
		said[k.name] = one
		value, ok := k.is.read(one)
		switch {
		case !ok && one.kind == "": // a number that is none, which is told already
		case !ok && k.is.holds && oddOne(one) != nil:
			odd := oddOne(one)
			im.wrong(odd.at, fmt.Sprintf("%s must be %s, but here is %s", k.name, k.is.want, odd.kind), "write texts in quotes")
		case !ok:
			im.wrong(one.at, fmt.Sprintf("%s must be %s, not %s", k.name, k.is.want, one.kind), "docs/interlock.md has all keys, and what becomes of them")
		case empty(value):
		case k.is.want == aSection.want:
			inner(k, one)
		default:
			d.take(k, &setting{key: k.name, pos: one.pos, at: one.at, value: value, kind: one.kind})
		}
	}
}

// take has a key do what it does.
func (d *draft) take(k key, s *setting) {
	text, _ := s.value.(string)
	switch {
	case slices.ContainsFunc(k.same, func(same string) bool { return strings.EqualFold(same, text) }):
	case k.write != nil:
		k.write(d, s)
	case k.secret:
		s.value = nil
		d.without(s, k.reason)
	default:
		d.without(s, k.reason)
	}
}

// unknown tells of a key that is not there, and where it is if it is elsewhere.
func (im *importer) unknown(s *setting, keys []key, where string) {
	hint := ""
	for _, other := range []struct {
		keys  []key
		place string
	}{{coreKeys, "it belongs to the head of the file"}, {extensionKeys, "it belongs to an extension, below [Extensions.NAME]"}, {configKeys, "it belongs below [Extensions.NAME.Config]"}} {
		if slices.ContainsFunc(other.keys, func(k key) bool { return strings.EqualFold(k.name, s.key) }) {
			hint = other.place
		}
	}
	if hint == "" {
		var all []string
		for _, k := range keys {
			all = append(all, k.name)
		}
		if hint = im.guesser.Likely(s.key, all); hint == "" {
			hint = "docs/interlock.md has all keys"
		}
	}
	im.wrong(s.pos, fmt.Sprintf("%s is no key of %s", quoted(s.key), where), hint)
}

// extension makes a draft of one.
func (im *importer) extension(s *setting) {
	inside, ok := s.value.(*section)
	if !ok {
		im.wrong(s.at, fmt.Sprintf("%s must be a table, not %s", oneLine(s.key), s.kind), "an extension is written as [Extensions.NAME], and its keys below it")
		return
	}
	d := &draft{importer: im, of: s, name: im.taken.take(proxyName(s.key)), fields: map[string]field{}}
	d.fields["image"] = field{lines: []line{{stockNginx, s}}}
	d.fields["network"] = field{lines: []line{{"ingress", s}}} // Interlock's default
	d.fields["labels.read"] = field{lines: []line{{"interlock", s}}}
	im.section(inside, d, extensionKeys, "an extension", func(_ key, config *setting) {
		im.section(config.value.(*section), d, configKeys, "the Config of an extension", nil)
	})
	d.settle()
	if len(im.drafts) > 0 {
		d.fields["status.port"] = field{lines: []line{{strconv.Itoa(defaultStatus - len(im.drafts)), s}}}
	}
	im.drafts = append(im.drafts, d)
}

// defaultStatus is the port for the status of the first proxy. Others on its nodes
// have those below it.
const defaultStatus = 8079

// proxyName makes the name of a proxy, which has up to 32 characters, from an
// extension's, and leaves room for what tells it from others.
func proxyName(extension string) string {
	name := nameOf(extension)
	return strings.TrimRight(name[:min(len(name), 26)], "._-")
}

// write writes the file, and reads it as everybody's.
func (im *importer) write() (Imported, route.Problems) {
	if len(im.drafts) == 0 {
		return Imported{}, nil
	}
	out := Imported{Notes: im.notes.Sorted()}
	var with, bare text[*setting]
	im.writeTo(&with, true)
	im.writeTo(&bare, false)
	out.Data, out.unlabelled = []byte(with.b.String()), []byte(bare.b.String())
	desired, problems := route.Parse(route.Revision{Files: []route.File{{Path: imported, Data: out.Data}}}, im.given...)
	if problems != nil {
		return Imported{}, placed(problems, with.causes, &setting{at: route.Pos{File: im.file}})
	}
	out.Desired = desired
	return out, nil
}

// imported is the path of the file that is made, which nobody is shown.
const imported = "\U0010ffff imported"

var placesInside = regexp.MustCompile(regexp.QuoteMeta(imported) + `:([0-9]+):[0-9]+`)

// placed has the problems of a file at what its lines are there for, or at something
// else.
func placed(problems route.Problems, causes [][]*setting, other *setting) route.Problems {
	of := func(row int) *setting {
		for ; row > 0; row-- { // what is told of a list may be told at its head
			if row <= len(causes) && len(causes[row-1]) > 0 && causes[row-1][0] != nil {
				return causes[row-1][0]
			}
		}
		return other
	}
	where := func(text string) string {
		return placesInside.ReplaceAllStringFunc(text, func(pos string) string {
			row, _ := strconv.Atoi(placesInside.FindStringSubmatch(pos)[1])
			return of(row).at.String()
		})
	}
	var out route.Problems
	for _, p := range problems {
		s := of(p.Pos.Line)
		out = append(out, route.Problem{Pos: s.at, Text: fmt.Sprintf("%s: %s", oneLine(s.key), where(p.Text)), Hint: where(p.Hint)})
	}
	return out.Sorted()
}

// writeTo writes the file, with the word that routes come from labels or without.
func (im *importer) writeTo(out *text[*setting], labels bool) {
	out.add(0, "# From "+im.from+".")
	for _, one := range im.none {
		out.add(0, one.text, one.of)
	}
	out.add(0, "proxies:")
	for _, d := range im.drafts {
		out.add(1, plain(d.name)+":", d.of)
		d.writeTo(out, labels)
	}
}

func (d *draft) writeTo(out *text[*setting], labels bool) {
	fields := maps.Clone(d.fields)
	if _, clustered := fields["labels.cluster"]; !clustered {
		fields["labels"] = fields["labels.read"]
		delete(fields, "labels.read")
	}
	var open []string // tables that have begun
	for _, path := range fieldsInOrder {
		f, ok := fields[path]
		if !ok || !labels && strings.HasPrefix(path, "labels") {
			continue
		}
		parts := strings.Split(path, ".")
		outer, name := parts[:len(parts)-1], parts[len(parts)-1]
		for i := range outer {
			if i >= len(open) || open[i] != outer[i] {
				out.add(2+i, outer[i]+":", f.lines[0].of)
				open = append(open[:min(i, len(open))], outer[i])
			}
		}
		open = open[:len(outer)]
		if f.head == "" {
			out.add(2+len(outer), name+": "+f.lines[0].text, f.lines[0].of)
			continue
		}
		out.add(2+len(outer), strings.TrimRight(name+":"+f.head, " "), f.lines[0].of)
		for _, one := range f.lines {
			out.add(3+len(outer), f.form+one.text, one.of)
		}
	}
	for _, one := range d.none {
		out.add(2, one.text, one.of)
	}
}
