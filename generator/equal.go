package generator

import (
	"maps"
	"reflect"
	"slices"
)

// Equal reports whether two states are the same. It costs less than comparing by
// reflection: there may be a hundred thousand tasks.
func (l *Live) Equal(m *Live) bool {
	if l == nil || m == nil {
		return l == m
	}
	c := l.since(m)
	return !c.all && !c.world && !c.other && len(c.services) == 0 && len(c.tasks) == 0
}

// change is what is not the same in two states.
type change struct {
	all      bool            // nodes or networks: that may be about any task
	world    bool            // a service itself, and not only its tasks
	other    bool            // something besides nodes, networks, services and tasks
	services map[string]bool // by name, those that are not the same, or of whose tasks one is not
	tasks    []Task          // of both states, those that are not in the other one
}

// since compares a state with one before it, both as they are read: sorted.
func (l *Live) since(before *Live) change {
	c := change{services: map[string]bool{}}
	if l == before {
		return c
	}
	c.all = !slices.EqualFunc(l.Nodes, before.Nodes, Node.equal) || !slices.Equal(l.Networks, before.Networks)
	c.other = !slices.Equal(l.Secrets, before.Secrets) || !reflect.DeepEqual(l.Proxies, before.Proxies)
	each(l.Services, before.Services, func(s Service) string { return s.ID }, Service.equal, func(s Service) {
		c.world, c.services[s.Name] = true, true
	})
	ids := map[string]bool{}
	each(l.Tasks, before.Tasks, func(t Task) string { return t.ID }, Task.equal, func(t Task) {
		c.tasks, ids[t.Service] = append(c.tasks, t), true
	})
	if len(ids) > 0 {
		for _, s := range slices.Concat(l.Services, before.Services) {
			if ids[s.ID] {
				c.services[s.Name] = true
			}
		}
	}
	return c
}

// each tells of all that is only in one of two lists, or not the same in both. Lists
// that are not sorted cost no more than that it tells of too much.
func each[T any](now, before []T, id func(T) string, equal func(T, T) bool, tell func(T)) {
	for len(now) > 0 || len(before) > 0 {
		switch {
		case len(before) == 0 || len(now) > 0 && id(now[0]) < id(before[0]):
			tell(now[0])
			now = now[1:]
		case len(now) == 0 || id(before[0]) < id(now[0]):
			tell(before[0])
			before = before[1:]
		default:
			if !equal(now[0], before[0]) {
				tell(now[0])
				tell(before[0])
			}
			now, before = now[1:], before[1:]
		}
	}
}

func (n Node) equal(m Node) bool { return reflect.DeepEqual(n, m) }

func (s Service) equal(t Service) bool {
	return s.ID == t.ID && s.Name == t.Name && maps.Equal(s.Labels, t.Labels) && slices.Equal(s.Networks, t.Networks) &&
		slices.Equal(s.Ports, t.Ports) && slices.Equal(s.VIPs, t.VIPs)
}

func (t Task) equal(u Task) bool {
	return t.ID == u.ID && t.Service == u.Service && t.Node == u.Node && t.State == u.State &&
		slices.Equal(t.Ports, u.Ports) && slices.Equal(t.Addresses, u.Addresses)
}
