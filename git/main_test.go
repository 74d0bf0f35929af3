package git_test

import (
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	// The file transport runs git in this process's environment.
	for _, v := range gitEnv {
		name, value, _ := strings.Cut(v, "=")
		os.Setenv(name, value)
	}
	if asked := os.Getenv(askedBy); asked != "" {
		answer(asked)
		return
	}
	os.Exit(m.Run())
}
