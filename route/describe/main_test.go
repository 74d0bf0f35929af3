package main

import (
	"bytes"
	"os"
	"testing"
)

// TestDescriptionsAreFresh holds that what editors tell is what the comments say.
func TestDescriptionsAreFresh(t *testing.T) {
	want, err := describe("..")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../" + file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: run go generate ./route", file)
	}
}

func TestDescribe(t *testing.T) {
	const source = `package route

// Door is ` + "`door:`" + ` of a proxy, written as a name or as a map. One of Bolt and TLS.
type Door struct {
	// Bolt and Key are what shuts it. Bolt comes first; of two the later Key counts,
	// as a Door-Key does. Default ` + "`Key`" + `.
	Bolt At[string] ` + "`yaml:\"bolt\" is:\"name\"`" + `
	Key  At[string] ` + "`yaml:\"key\" is:\"name\"`" + `
	Bare At[string] ` + "`yaml:\"bare\" is:\"name\"`" + `
	// TLS takes TLS.
	TLS At[bool] ` + "`yaml:\"tls\" is:\"bool\"`" + `
	own int
}

// decoder is none of the format.
type decoder struct{ file string }
`
	const want = `{
  "Door": {
    "": "Written as a name or as a map. One of ` + "`bolt`" + ` and TLS.",
    "bolt": "` + "`bolt` and `key` are what shuts it. Bolt comes first; of two the later `key` counts, as a Door-Key does. Default `Key`." + `",
    "key": "` + "`bolt` and `key` are what shuts it. Bolt comes first; of two the later `key` counts, as a Door-Key does. Default `Key`." + `",
    "tls": "` + "`tls` takes TLS." + `"
  }
}
`
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/format.go", []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	got, err := describe(dir)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
