package wharfinger

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/interlock"
	"github.com/wharfinger/wharfinger/route"
)

// TestEveryInterlockLabelIsTold holds docs/interlock.md to the labels that are
// read: each has a row that names the tests which show
// what becomes of it.
func TestEveryInterlockLabelIsTold(t *testing.T) {
	text, err := os.ReadFile("docs/interlock.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 || !strings.Contains(cells[3], "TestLabels/") {
			continue
		}
		name := strings.Trim(cells[1], " `")
		told = append(told, name)
		if strings.TrimSpace(cells[2]) == "" {
			t.Errorf("nothing is said of label %s", name)
		}
		if want := " `TestLabels/" + name + "`, `TestInterlock/labels/" + name + "` "; cells[3] != want {
			t.Errorf("label %s has the tests%s, want%s", name, cells[3], want)
		}
		if _, err := os.Stat("golden/labels/" + name + ".golden"); err != nil {
			t.Errorf("label %s: there is no such test: %v", name, err)
		}
	}
	var want []string
	for _, label := range interlock.Labels() {
		want = append(want, strings.TrimPrefix(label, "com.docker.lb."))
	}
	slices.Sort(told)
	slices.Sort(want)
	if !slices.Equal(told, want) {
		t.Errorf("docs/interlock.md has the labels\n%s, the code\n%s", strings.Join(told, " "), strings.Join(want, " "))
	}
}

// TestEveryInterlockKeyIsTold does the same for the keys of Interlock's file.
func TestEveryInterlockKeyIsTold(t *testing.T) {
	text, err := os.ReadFile("docs/interlock.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 || !strings.Contains(cells[3], "TestKeys/") {
			continue
		}
		name := strings.Trim(cells[1], " `")
		told = append(told, name)
		if strings.Trim(cells[2], " –") == "" {
			t.Errorf("nothing is said of key %s", name)
		}
		if want := " `TestKeys/" + name + "` "; cells[3] != want {
			t.Errorf("key %s has the tests%s, want%s", name, cells[3], want)
		}
		if _, err := os.Stat("golden/keys/" + name + ".golden"); err != nil {
			t.Errorf("key %s: there is no such test: %v", name, err)
		}
	}
	if want := interlock.Keys(); !slices.Equal(told, want) {
		t.Errorf("docs/interlock.md has the keys\n%s, the code\n%s", strings.Join(told, " "), strings.Join(want, " "))
	}
}

// TestInterlockFileInDocs holds that the file of docs/interlock.md becomes what stands
// below it.
func TestInterlockFileInDocs(t *testing.T) {
	var before, found string
	for _, b := range blocks(t) {
		if b.file == "docs/interlock.md" && b.language == "toml" {
			before = b.text
		} else if b.language == "yaml" && before != "" {
			found = b.text
			break
		}
	}
	imported, problems := interlock.Import(route.File{Path: "interlock.toml", Data: []byte(before)})
	if problems != nil {
		t.Fatal(problems)
	}
	if got := string(imported.Data); got != found {
		t.Errorf("it becomes\n%s\nbut docs/interlock.md has\n%s", got, found)
	}
}
