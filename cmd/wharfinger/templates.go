package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wharfinger/wharfinger/generator"
)

// templateFlags say what the files are rendered with. It is the operator's
// choice: nothing in a route repository can make it.
type templateFlags struct {
	dir string
}

func (f *templateFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.dir, "templates", "", "folder with templates of your own, in place of those of the same name")
}

// read returns the templates. Names that start with a dot are left alone, as in
// a route repository.
func (f *templateFlags) read() (generator.Templates, error) {
	if f.dir == "" {
		return generator.Templates{}, nil
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return generator.Templates{}, fmt.Errorf("read templates: %v", err)
	}
	texts := map[string]string{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(f.dir, e.Name()))
		if err != nil {
			return generator.Templates{}, fmt.Errorf("read templates: %v", err)
		}
		texts[e.Name()] = string(data)
	}
	if len(texts) == 0 {
		return generator.Templates{}, fmt.Errorf("read templates: there is none in %s", f.dir)
	}
	own, err := generator.OwnTemplates(texts)
	if err != nil {
		return generator.Templates{}, fmt.Errorf("%s%c%v", filepath.Clean(f.dir), filepath.Separator, err)
	}
	return own, nil
}
