package git_test

import (
	"crypto/rand"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/wharfinger/wharfinger/git"
)

// short is for what takes as long as it may. It must suffice for a healthy server.
func short(o *git.RemoteOptions) { o.Timeout = 5 * time.Second }

const gaveUp = "gave up after 5s without a full answer"

var gitFaults = []gitFault{{
	name:  "amended commit",
	again: taken,
	begin: func(w *faults) {
		w.write("a.yaml", "amended")
		w.git("commit", "--quiet", "--all", "--amend", "-m", "amended")
		w.git("push", "--quiet", "--force", "origin", "HEAD")
	},
}, {
	name:  "branch reset",
	again: taken,
	begin: func(w *faults) {
		w.git("commit", "--quiet", "--allow-empty", "-m", "parent")
		w.git("reset", "--quiet", "--hard", "HEAD^")
		w.git("commit", "--quiet", "--allow-empty", "--amend", "-m", "another first")
		w.git("push", "--quiet", "--force", "origin", "HEAD")
	},
}, {
	name:  "orphan branch",
	again: taken,
	begin: func(w *faults) {
		w.git("checkout", "--quiet", "--orphan", "new")
		w.write("b.yaml", "b")
		w.git("add", "--all")
		w.git("commit", "--quiet", "-m", "orphan")
		w.git("branch", "--quiet", "-M", main)
		w.git("push", "--quiet", "--force", "origin", "HEAD")
	},
	end: func(w *faults) { w.git("rm", "--quiet", "b.yaml") },
}, {
	name:  "deleted branch",
	says:  "list refs: branch main does not exist on the remote",
	again: interval,
	begin: func(w *faults) {
		w.git("push", "--quiet", "origin", "HEAD:other")
		run(w.t, w.bare, "update-ref", "-d", "refs/heads/main")
	},
}, {
	name:  "empty repository",
	says:  "list refs: the remote repository is empty; push a first commit",
	again: interval,
	begin: func(w *faults) { run(w.t, w.bare, "update-ref", "-d", "refs/heads/main") },
}, {
	name:  "empty repository (ssh)",
	says:  "list refs: the remote repository is empty; push a first commit",
	again: interval,
	ssh:   true,
	begin: func(w *faults) { run(w.t, w.bare, "update-ref", "-d", "refs/heads/main") },
}, {
	name:  "no route files",
	says:  "read tree: no route files (*.yaml, *.yml) below the root of branch main",
	again: interval,
	begin: func(w *faults) {
		w.git("rm", "--quiet", "a.yaml")
		w.write("README.md", "nothing yet")
		w.push()
	},
	end: func(w *faults) { w.git("rm", "--quiet", "README.md") },
}, {
	name:    "huge repository",
	says:    "fetch: the repository is too large: a commit may hold 1 MiB, other files than routes included",
	again:   interval,
	options: func(o *git.RemoteOptions) { o.Limits.RepositoryBytes = 1 << 20 },
	begin:   huge,
	end:     notHuge,
}, {
	name:    "huge repository (ssh)",
	says:    "fetch: the repository is too large: a commit may hold 1 MiB, other files than routes included",
	again:   interval,
	ssh:     true,
	options: func(o *git.RemoteOptions) { o.Limits.RepositoryBytes = 1 << 20 },
	begin:   huge,
	end:     notHuge,
}, {
	name:    "too many files",
	says:    "read tree: more than 2 route files",
	again:   interval,
	options: func(o *git.RemoteOptions) { o.Limits.Files = 2 },
	begin: func(w *faults) {
		w.write("b.yaml", "b")
		w.write("c.yaml", "c")
		w.push()
	},
	end: func(w *faults) { w.git("rm", "--quiet", "b.yaml", "c.yaml") },
}, {
	name:  "oversized file",
	says:  "read tree: b.yaml: is 1048577 bytes long; the limit is 1 MiB (split the file)",
	again: nextCommit,
	begin: func(w *faults) {
		w.write("b.yaml", strings.Repeat("b", 1<<20+1))
		w.push()
	},
	end: func(w *faults) { w.git("rm", "--quiet", "b.yaml") },
}, {
	name:  "symbolic link",
	says:  "read tree: b.yaml: is a symbolic link, which is not followed (put the file itself in its place)",
	again: nextCommit,
	begin: func(w *faults) {
		place{t: w.t, dir: w.work}.symlink("a.yaml", "b.yaml")
		w.push()
	},
	end: func(w *faults) { w.git("rm", "--quiet", "b.yaml") },
}, {
	name:  "submodule",
	says:  "read tree: shared: is a git repository of its own (a submodule), whose files are not fetched (copy its routes in, or keep it out of the routes' folder)",
	again: nextCommit,
	begin: func(w *faults) {
		w.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", w.bare, "shared")
		w.push()
	},
	end: func(w *faults) { w.git("rm", "--quiet", "-f", "shared", ".gitmodules") },
}, {
	name:  "Git LFS pointer",
	says:  "read tree: b.yaml: is a Git LFS pointer, not the file itself (store routes in git directly: git lfs untrack, then commit the file again)",
	again: nextCommit,
	begin: func(w *faults) {
		w.write("b.yaml", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n")
		w.push()
	},
	end: func(w *faults) { w.git("rm", "--quiet", "b.yaml") },
}, {
	name:  "unknown repository",
	says:  "list refs: the remote has no such repository",
	again: interval,
	begin: moveAway,
	end:   moveBack,
}, {
	name:  "unknown repository (ssh)",
	says:  "list refs: the remote has no such repository, or not for this key; it says: fatal: 'PATH' does not appear to be a git repository",
	again: interval,
	ssh:   true,
	begin: moveAway,
	end:   moveBack,
}, {
	name:  "server down",
	says:  "list refs: dial tcp HOST: connect: connection refused",
	again: soon,
	begin: func(w *faults) { w.gate.down() },
	end:   func(w *faults) { w.gate.up() },
}, {
	name:  "server down (ssh)",
	says:  "connect: dial tcp HOST: connect: connection refused",
	again: soon,
	ssh:   true,
	begin: func(w *faults) { w.gate.down() },
	end:   func(w *faults) { w.gate.up() },
}, {
	name:    "silent server",
	says:    "list refs: " + gaveUp,
	again:   soon,
	options: short,
	begin:   func(w *faults) { w.gate.set(true, 0, 0) },
	end:     open,
}, {
	name:    "silent server (ssh)",
	says:    "connect: " + gaveUp,
	again:   soon,
	ssh:     true,
	options: short,
	begin:   func(w *faults) { w.gate.set(true, 0, 0) },
	end:     open,
}, {
	name:    "silent in the middle",
	says:    "fetch: " + gaveUp,
	again:   soon,
	options: short,
	begin: func(w *faults) {
		w.push()
		w.set(func(rw http.ResponseWriter, req *http.Request) bool {
			if req.Method == http.MethodGet {
				return true
			}
			rw.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			rw.Write([]byte("0008NAK\n"))
			rw.(http.Flusher).Flush()
			<-req.Context().Done()
			return false
		})
	},
	end: (*faults).well,
}, {
	name:    "slow server",
	says:    "list refs: " + gaveUp,
	again:   soon,
	options: short,
	begin:   func(w *faults) { w.gate.set(false, 0, 10*time.Millisecond) },
	end:     open,
}, {
	name:    "slow server (ssh)",
	says:    "connect: " + gaveUp,
	again:   soon,
	ssh:     true,
	options: short,
	begin:   func(w *faults) { w.gate.set(false, 0, 10*time.Millisecond) },
	end:     open,
}, {
	name:  "truncated answer",
	says:  "fetch: the connection broke off in the middle of the answer",
	again: soon,
	begin: func(w *faults) { huge(w); w.gate.set(false, 1<<20, 0) },
	end:   func(w *faults) { notHuge(w); open(w) },
}, {
	name:  "truncated answer (ssh)",
	says:  "fetch: the connection broke off in the middle of the answer",
	again: soon,
	ssh:   true,
	begin: func(w *faults) { huge(w); w.gate.set(false, 1<<20, 0) },
	end:   func(w *faults) { notHuge(w); open(w) },
}, {
	name:  "corrupted pack",
	says:  "fetch: the pack is damaged: REASON",
	again: soon,
	begin: func(w *faults) { w.push(); w.flip(40) },
	end:   (*faults).well,
}, {
	name:  "corrupted checksum of a pack",
	says:  "read tree: the pack is damaged: REASON",
	again: soon,
	begin: func(w *faults) { w.push(); w.flip(-1) },
	end:   (*faults).well,
}, {
	name:  "server errors",
	says:  "list refs: the remote answered HTTP status 500",
	again: soon,
	begin: func(w *faults) { w.answer(500, "text/html", "<h1>Oops</h1>") },
	end:   (*faults).well,
}, {
	name:  "too many requests",
	says:  "list refs: the remote answered HTTP status 429",
	again: soon,
	begin: func(w *faults) { w.answer(429, "text/plain", "slow down") },
	end:   (*faults).well,
}, {
	name:  "a web page",
	says:  "list refs: the answer is not that of a git server; is the URL right?",
	again: interval,
	begin: func(w *faults) { w.answer(200, "text/html", "<!DOCTYPE html><h1>Sign in</h1>") },
	end:   (*faults).well,
}, {
	name:  "redirect to another host",
	says:  "list refs: the remote redirects to https://OTHER, another host or scheme; if that is right, write it as the URL",
	again: interval,
	begin: func(w *faults) { w.redirect(w.elsewhere()) },
	end:   (*faults).well,
}, {
	name:  "redirect to http",
	says:  "list refs: the remote redirects to another scheme or place; if that is right, write it as the URL",
	again: interval,
	begin: func(w *faults) { w.redirect(strings.Replace(w.elsewhere(), "https:", "http:", 1)) },
	end:   (*faults).well,
}, {
	name:  "wrong token",
	says:  "list refs: the remote refuses the token in FILE for the user git",
	again: interval,
	begin: func(w *faults) { w.token.Store("another") },
	end:   func(w *faults) { w.token.Store("planted-first-token") },
}, {
	name:    "no token",
	says:    "list refs: the remote wants credentials, and none are given",
	again:   interval,
	options: func(o *git.RemoteOptions) { o.Credentials.TokenFile = "" },
	before:  func(w *faults) { w.token.Store("") }, // a public repository
	begin:   func(w *faults) { w.token.Store("planted-first-token") },
	end:     func(w *faults) { w.token.Store("") },
}, {
	name:  "token changed meanwhile",
	again: taken,
	begin: func(w *faults) {
		w.token.Store("planted-second-token")
		w.useToken("planted-second-token")
		w.push()
	},
}, {
	name:  "token file gone",
	says:  "connect: read the token: open FILE: no such file or directory",
	again: interval,
	begin: func(w *faults) { w.remove("token") },
	end:   func(w *faults) { w.useToken("planted-first-token") },
}, {
	name:  "token repeated by the server",
	says:  "fetch: error decoding upload-pack response: not ***",
	again: soon,
	begin: func(w *faults) { // as a proxy in front might, in a page or, worse, in git's own words
		w.push()
		w.set(func(rw http.ResponseWriter, req *http.Request) bool {
			_, password, _ := req.BasicAuth()
			if req.Method == http.MethodPost {
				rw.Header().Set("Content-Type", "application/x-git-upload-pack-result")
				rw.Write([]byte(pktLine("ERR not " + password)))
				return false
			}
			return true
		})
	},
	end: (*faults).well,
}, {
	name:  "private CA missing",
	says:  "list refs: the certificate of the remote is not accepted: x509: certificate signed by unknown authority",
	again: interval,
	begin: func(w *faults) { writeFile(w.t, w.file("ca.pem"), newAuthority(w.t, "another CA").pem()) },
	end:   func(w *faults) { writeFile(w.t, w.file("ca.pem"), w.ca.pem()) },
}, {
	name:  "CA file without a certificate",
	says:  "connect: read the certificates: FILE holds none in PEM",
	again: interval,
	begin: func(w *faults) { writeFile(w.t, w.file("ca.pem"), "nothing") },
	end:   func(w *faults) { writeFile(w.t, w.file("ca.pem"), w.ca.pem()) },
}, {
	name:  "expired certificate",
	says:  "list refs: the certificate of the remote is not accepted: it is valid from TIME to TIME alone",
	again: interval,
	begin: func(w *faults) { w.leaf.Store(w.ca.issue(time.Now().Add(-time.Minute))) },
	end:   func(w *faults) { w.leaf.Store(w.ca.issue(time.Now().Add(time.Hour))) },
}, {
	name:  "certificate of another host",
	says:  "list refs: the certificate of the remote is not accepted: x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs",
	again: interval,
	begin: func(w *faults) { w.leaf.Store(w.ca.issue(time.Now().Add(time.Hour), "other.example.org")) },
	end:   func(w *faults) { w.leaf.Store(w.ca.issue(time.Now().Add(time.Hour))) },
}, {
	name:  "wrong ssh key",
	says:  "connect: the remote refuses the key in FILE for the user NAME",
	again: interval,
	ssh:   true,
	begin: func(w *faults) { w.ssh.newKey("other", "ed25519"); w.ssh.letIn("other") },
	end:   func(w *faults) { w.ssh.letIn("client") },
}, {
	name:  "ssh key changed meanwhile",
	again: taken,
	ssh:   true,
	begin: func(w *faults) {
		w.ssh.newKey("second", "ecdsa")
		w.ssh.letIn("second")
		w.useKey("second")
		w.push()
	},
}, {
	name:  "ssh key with a passphrase",
	says:  "connect: read the private key: FILE has a passphrase, and nobody is there to be asked for it; use a key of its own without one (ssh-keygen -p takes it off)",
	again: interval,
	ssh:   true,
	begin: func(w *faults) { w.ssh.newKey("locked", "ed25519", "-N", "sesame"); w.useKey("locked") },
	end:   func(w *faults) { w.useKey("client") },
}, {
	name:  "ssh key file gone",
	says:  "connect: read the private key: open FILE: no such file or directory",
	again: interval,
	ssh:   true,
	begin: func(w *faults) { w.remove("key") },
	end:   func(w *faults) { w.useKey("client") },
}, {
	name:  "unknown host key",
	says:  "connect: HOST is not among the known hosts in FILE; its key is KEY: if those who run the server say so too, add it",
	again: interval,
	ssh:   true,
	begin: func(w *faults) { writeFile(w.t, w.file("known_hosts"), "") },
	end:   func(w *faults) { w.ssh.known(w.file("known_hosts"), "host") },
}, {
	name:  "changed host key",
	says:  "connect: HOST shows another host key than FILE holds, KEY: either the server has a new one, which those who run it can tell, or somebody stands in between",
	again: interval,
	ssh:   true,
	begin: func(w *faults) { w.ssh.newKey("new", "ed25519"); w.ssh.hostKey("new") },
	end:   func(w *faults) { w.ssh.hostKey("host") },
}, {
	name:  "host key of another kind",
	says:  "connect: the server has no host key of the kind that FILE holds for it (ssh-ed25519): it has ecdsa-sha2-nistp256",
	again: interval,
	ssh:   true,
	begin: func(w *faults) { w.ssh.newKey("new", "ecdsa"); w.ssh.hostKey("new") },
	end:   func(w *faults) { w.ssh.hostKey("host") },
}}

func huge(w *faults) {
	noise := make([]byte, 2<<20)
	rand.Read(noise)
	w.write("noise.bin", string(noise))
	w.push()
}

func notHuge(w *faults) { w.git("rm", "--quiet", "noise.bin") }

func moveAway(w *faults) { w.rename(w.bare, w.bare+".away") }
func moveBack(w *faults) { w.rename(w.bare+".away", w.bare) }
func open(w *faults)     { w.gate.set(false, 0, 0) }

func (w *faults) rename(from, to string) {
	w.t.Helper()
	if err := os.Rename(from, to); err != nil {
		w.t.Fatal(err)
	}
}

func (w *faults) remove(name string) {
	w.t.Helper()
	if err := os.Remove(w.file(name)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *faults) redirect(to string) {
	w.set(func(rw http.ResponseWriter, req *http.Request) bool {
		http.Redirect(rw, req, to+req.URL.RequestURI(), http.StatusFound)
		return false
	})
}
