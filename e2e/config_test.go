package e2e_test

import "time"

// unusedFor is how long wharfinger lets a config be that no service names: it
// may be another wharfinger's, which is about to update the service.
const unusedFor = time.Minute

type config struct {
	CreatedAt time.Time
	Spec      struct{ Name string }
}

// unnamed returns the proxy's configs that neither the service's spec nor its
// previous one names, and the number of all.
func (w *world) unnamed() (configs []config, all int) {
	w.Helper()
	service := w.proxy()
	named := map[string]bool{}
	for _, spec := range []*serviceSpec{&service.Spec, service.PreviousSpec} {
		if spec != nil {
			for _, c := range spec.TaskTemplate.ContainerSpec.Configs {
				named[c.ConfigName] = true
			}
		}
	}
	ids := lines(w.docker("config", "ls", "-q", "-f", "label=wharfinger.proxy=edge"))
	var list []config
	w.decode(&list, append([]string{"config", "inspect"}, ids...)...)
	for _, c := range list {
		if !named[c.Spec.Name] {
			configs = append(configs, c)
		}
	}
	return configs, len(list)
}

// tidy checks that no configs are left but those of the service's spec, those
// of its previous spec and young ones. It returns how many there are.
func (w *world) tidy() int {
	w.Helper()
	updated := w.proxy().UpdatedAt
	unnamed, all := w.unnamed()
	for _, c := range unnamed {
		if c.CreatedAt.Before(updated.Add(-unusedFor)) {
			w.Errorf("config %s, made %s before the last update, is left over", c.Spec.Name, updated.Sub(c.CreatedAt).Round(time.Second))
		}
	}
	return all
}
