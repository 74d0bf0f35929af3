package nginx

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/wharfinger/wharfinger/route"
)

// versionLine is what `nginx -v` says, as nginx/1.30.6 or openresty/1.27.1.2.
var versionLine = regexp.MustCompile(`nginx version: [^/\s]+/([0-9]+)\.([0-9]+)\.([0-9]+)`)

// Version asks the program which nginx it is.
func (t Tester) Version(ctx context.Context) (route.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.Path, "-v")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return route.Version{}, fmt.Errorf("run nginx -v: %v", err)
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return route.Version{}, fmt.Errorf("%s -v does not tell a version of nginx: %.100q", t.Path, out)
	}
	var v [3]int
	for i := range v {
		if v[i], err = strconv.Atoi(string(m[i+1])); err != nil {
			return route.Version{}, fmt.Errorf("%s -v: %v", t.Path, err)
		}
	}
	return route.Version{Major: v[0], Minor: v[1], Patch: v[2]}, nil
}

// Knows reports whether nginx of one version can test the files of another: it
// must know the directives. A stable line (nginx: an even minor version) gets
// no new ones.
func Knows(tester, proxy route.Version) bool {
	patch := max(0, proxy.Patch)
	if proxy.Minor%2 == 0 {
		patch = 0
	}
	return tester.AtLeast(proxy.Major, proxy.Minor, patch)
}
