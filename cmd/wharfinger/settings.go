package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wharfinger/wharfinger/route"
)

// environment is what the names of flags begin with there: --git-user is
// WHARFINGER_GIT_USER.
const environment = "WHARFINGER_"

func inEnvironment(flag string) string {
	return environment + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Annotations of flags that name others: those that one of a group excludes, which
// is cobra's own, and those in whose place one stands.
const (
	excludes  = "cobra_annotation_mutually_exclusive"
	insteadOf = "wharfinger_instead_of"
)

// instead has a flag stand in place of others: what the environment or the file
// says of these counts only without it.
func instead(c *cobra.Command, flag string, of ...string) {
	if err := c.Flags().SetAnnotation(flag, insteadOf, of); err != nil {
		panic(err) // there is no such flag
	}
}

// configure sets the flags that the command line has not: from the environment and,
// where that is silent as well, from the file that --config names.
func configure(c *cobra.Command, _ []string) error {
	known := settings(c.Root())
	if err := fromEnvironment(c, known); err != nil {
		return err
	}
	file, err := c.Flags().GetString("config")
	if err != nil || file == "" {
		return err
	}
	return fromFile(c, known, file)
}

// settings are the flags of all commands, sorted: one file and one environment serve
// all of them.
func settings(c *cobra.Command) []string {
	var names []string
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			names = append(names, f.Name)
		}
	})
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			names = append(names, settings(sub)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// decided are the flags that are set, and those that they exclude.
func decided(flags *pflag.FlagSet) map[string]bool {
	all := map[string]bool{}
	flags.Visit(func(f *pflag.Flag) {
		all[f.Name] = true
		for _, group := range slices.Concat(f.Annotations[excludes], f.Annotations[insteadOf]) {
			for name := range strings.FieldsSeq(group) {
				all[name] = true
			}
		}
	})
	return all
}

// fromEnvironment warns of names that no flag has: somebody else may have chosen
// them, as CI's own variables.
func fromEnvironment(c *cobra.Command, known []string) error {
	before := decided(c.Flags())
	var guesser route.Guesser
	flags := map[string]string{}
	var names []string
	for _, flag := range known {
		names = append(names, inEnvironment(flag))
		flags[inEnvironment(flag)] = flag
	}
	var wrong []error
	for _, variable := range slices.Sorted(slices.Values(os.Environ())) {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, environment) || value == "" {
			continue
		}
		flag, ok := flags[name]
		if !ok {
			hint := guesser.Likely(name, names)
			if hint != "" {
				hint = " (" + hint + ")"
			}
			fmt.Fprintf(c.ErrOrStderr(), "warning: the environment has %s, which is no setting%s\n", name, hint)
			continue
		}
		f := c.Flags().Lookup(flag)
		if f == nil || before[flag] {
			continue
		}
		values := []string{value}
		if _, several := f.Value.(pflag.SliceValue); several {
			values = strings.Split(value, ",")
		}
		for _, one := range values {
			if err := set(c, flag, one); err != nil {
				wrong = append(wrong, fmt.Errorf("%s in the environment: %v", name, err))
			}
		}
	}
	return errors.Join(wrong...)
}

// set answers what is wrong with a value, without the name of its flag.
func set(c *cobra.Command, flag, value string) error {
	err := c.Flags().Set(flag, value)
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return invalid.Unwrap()
	}
	return err
}

// fromFile tells what is wrong with the file, all of it.
func fromFile(c *cobra.Command, known []string, name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read the settings: %v", err)
	}
	file := route.File{Path: name, Data: data}
	known = slices.DeleteFunc(slices.Clone(known), func(flag string) bool { return flag == "config" })
	all, problems := route.Settings(file, known)
	before := decided(c.Flags())
	for _, s := range all {
		f := c.Flags().Lookup(s.Name)
		if f == nil {
			continue // another command's
		}
		if _, several := f.Value.(pflag.SliceValue); s.List && !several {
			problems = append(problems, route.Problem{Pos: s.Pos, Text: s.Name + " takes a single value", Hint: "write it without a list"})
			continue
		}
		if before[s.Name] {
			continue
		}
		for _, v := range s.Values {
			if err := set(c, s.Name, v.Value); err != nil {
				problems = append(problems, route.Problem{Pos: v.Pos, Text: s.Name + ": " + err.Error(), Hint: "--help says what it may be"})
			}
		}
	}
	if len(problems) > 0 {
		tell(c.ErrOrStderr(), problem, problems.Sorted(), route.Revision{Files: []route.File{file}})
		return errTold
	}
	return nil
}
