package directive

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// The folders that files may lie in.
const (
	secrets = "/run/secrets/"
	scratch = "/tmp/"
)

// bundle is the authorities that every image trusts. It is no secret.
const bundle = "/etc/ssl/certs/ca-certificates.crt"

// below reports whether a file lies below a folder, with no way around it. A
// variable could hold anything.
func below(folder, file string) bool {
	return len(file) > len(folder) && strings.HasPrefix(file, folder) && path.Clean(file) == file && !strings.Contains(file, "$")
}

func first(args []string) string {
	if len(args) == 0 {
		return "" // nginx will say so
	}
	return args[0]
}

// accessLog takes two names for standard output: nginx keeps a buffer for each
// name, and those of http and stream differ.
func accessLog(args []string) (text, hint string) {
	if where := first(args); where != "off" && where != "/dev/stdout" && where != "/dev/fd/1" && where != "/dev/stderr" {
		return fmt.Sprintf("a log must not go to %q", where), "write it to /dev/stdout, or off"
	}
	return "", ""
}

func errorLog(args []string) (text, hint string) {
	if where := first(args); where != "stderr" && where != "/dev/stderr" && where != "/dev/stdout" {
		return fmt.Sprintf("a log must not go to %q", where), "write it to stderr"
	}
	return "", ""
}

// noFiles is the root that every http block has. No path leads out of it, for it
// is no folder: nginx follows a /../ that comes from rewrite, try_files or
// error_page, and would serve the secrets.
const noFiles = "/dev/null"

func root(args []string) (text, hint string) {
	if where := first(args); where != noFiles {
		return fmt.Sprintf("files must not be served from %q", where), "a proxy serves no files: lead the requests to a pool, or answer them with return"
	}
	return "", ""
}

// condition looks at if: a test of a file tells clients what there is.
func condition(args []string) (text, hint string) {
	for _, word := range args {
		switch strings.TrimPrefix(strings.Trim(word, "()"), "!") {
		case "-f", "-d", "-e", "-x":
			return "if must not look for files", "a proxy serves no files: compare a variable instead"
		}
	}
	return "", ""
}

func temporary(args []string) (text, hint string) {
	if where := first(args); !below(scratch, where) {
		return fmt.Sprintf("files must not be written to %q", where), "write them below " + scratch
	}
	return "", ""
}

func secret(args []string) (text, hint string) {
	if where := first(args); !below(secrets, where) {
		return fmt.Sprintf("a file must not be read from %q", where), "make it a Docker secret and name it " + secrets + "NAME"
	}
	return "", ""
}

func authorities(args []string) (text, hint string) {
	if first(args) == bundle {
		return "", ""
	}
	return secret(args)
}

// tlsCommands are OpenSSL's configuration commands that read no file.
var tlsCommands = []string{"Ciphersuites", "Curves", "Groups", "MaxProtocol", "MinProtocol", "NumTickets", "Options", "SignatureAlgorithms"}

func tlsCommand(args []string) (text, hint string) {
	if !slices.Contains(tlsCommands, first(args)) {
		return fmt.Sprintf("the OpenSSL command %q is not allowed", first(args)), "the commands are " + strings.Join(tlsCommands, ", ")
	}
	return "", ""
}

// socket looks at an address that has no variables.
func socket(args []string) (text, hint string) { return address(first(args)) }

// address refuses sockets of the file system, but for those that the proxy has
// made itself.
func address(host string) (text, hint string) {
	file, unix := cutPrefixFold(host, "unix:")
	if file, _, _ = strings.Cut(file, ":"); unix && !below(scratch, file) {
		return fmt.Sprintf("the socket %q is out of bounds", host), "use an address with a port"
	}
	return "", ""
}

func cutPrefixFold(s, prefix string) (rest string, found bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}
