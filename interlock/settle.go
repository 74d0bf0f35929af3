package interlock

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/wharfinger/wharfinger/route"
)

// Settle writes what the labels of a cluster ask for today as a file that is added to a
// repository when its proxies no longer read them. Problems are of labels, by service,
// as Read has them. Where labels make no route there is nothing to settle, and data is
// nil.
func Settle(d *route.Desired, c Cluster) (data []byte, problems route.Problems) {
	r := Read(d, c)
	if r.Added == nil {
		return nil, r.Problems
	}
	return slices.Concat([]byte("# From the labels of services.\n"), r.Added), r.Problems
}

// Settle writes the file with what the labels of a cluster ask for today in it. Its
// proxies no longer read them.
func (i Imported) Settle(c Cluster) (data []byte, problems route.Problems) {
	data, problems = Settle(i.Desired, c)
	if data == nil {
		return nil, problems
	}
	return slices.Concat(i.unlabelled, []byte("\n"), data), problems
}

// Proxies makes a file for a cluster of which only the labels are known: a proxy for
// each service cluster that they name, and one for the services that name none. Which
// ports they have no label says, so the first has those of a browser. It reports false
// where no service has labels that make a route.
func Proxies(c Cluster) (Imported, bool) {
	spelt := map[string]string{} // by the name in lower case
	for _, s := range c.Services {
		set := read(s)
		for _, w := range set.wishes() {
			key := lower(w.cluster)
			if before, ok := spelt[key]; takesCluster(w.cluster) && (!ok || w.cluster < before) {
				spelt[key] = w.cluster
			}
		}
	}
	im := &importer{from: "the service clusters that labels name", taken: names{}}
	for _, key := range slices.Sorted(maps.Keys(spelt)) {
		d := &draft{importer: im, name: im.taken.take(proxyName(cmp.Or(key, "default"))), fields: map[string]field{}}
		set := func(path, value string) { d.fields[path] = field{lines: []line{{text: value}}} }
		set("image", stockNginx)
		set("network", "published")
		set("labels.read", "interlock")
		if key != "" {
			set("labels.cluster", plain(spelt[key]))
		}
		if n := len(im.drafts); n > 0 {
			set("listen.http", strconv.Itoa(8079+n))
			set("listen.https", strconv.Itoa(8442+n))
			set("status.port", strconv.Itoa(defaultStatus-n))
			d.none = append(d.none, line{text: "# No label says which ports this proxy has, so these are made up."})
		}
		im.drafts = append(im.drafts, d)
	}
	out, problems := im.write()
	return out, problems == nil && len(im.drafts) > 0
}

// takesCluster reports whether a proxy can read the labels of a service cluster of
// that name. What none can read is told when the labels are read.
func takesCluster(name string) bool {
	if name == "" {
		return true
	}
	_, problems := route.Parse(route.Revision{Files: []route.File{{Data: []byte("proxies: {p: {image: " + quote(stockNginx) + ", labels: {read: interlock, cluster: " + quote(name) + "}}}")}}})
	return problems == nil
}
