package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/net/proxy"
)

// connectSSH opens one fetch by ssh. It is not go-git's client: that one waits for
// ever for a silent server, and asks an agent, ~/.ssh/config and a registry that
// all of the process share. Here the end of ctx closes the connection, whatever is
// waited for. ALL_PROXY may name a SOCKS5 proxy, as golang.org/x/net/proxy reads it.
func connectSSH(ctx context.Context, e transport.Endpoint, c Credentials, l Limits) (session, error) {
	signer, err := c.key()
	if err != nil {
		return nil, err
	}
	hosts, err := c.knownHosts()
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort(e.Host, strconv.Itoa(e.Port))
	check := hostCheck{hosts, c.KnownHostsFile}
	config := &ssh.ClientConfig{
		User:              e.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   check.key,
		HostKeyAlgorithms: hosts.HostKeyAlgorithms(address),
	}
	conn, err := proxy.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, plain(err)
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	open, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		conn.Close()
		return nil, check.explain(err)
	}
	s := &sshSession{client: ssh.NewClient(open, channels, requests), packBytes: l.RepositoryBytes}
	if err := s.start(e.Path); err != nil {
		s.Close()
		return nil, plain(err)
	}
	return s, nil
}

// hostCheck holds a server's key against the known hosts.
type hostCheck struct {
	hosts *knownhosts.HostKeyDB
	file  string
}

func (h hostCheck) key(address string, from net.Addr, key ssh.PublicKey) error {
	err := h.hosts.HostKeyCallback()(address, from, key)
	host := knownhosts.Normalize(address)
	print := key.Type() + " " + ssh.FingerprintSHA256(key)
	switch {
	case err == nil:
		return nil
	case knownhosts.IsHostUnknown(err):
		return lastingf("%s is not among the known hosts in %s; its key is %s: if those who run the server say so too, add it", host, h.file, print)
	case knownhosts.IsHostKeyChanged(err):
		return lastingf("%s shows another host key than %s holds, %s: either the server has a new one, which those who run it can tell, or somebody stands in between", host, h.file, print)
	}
	return lastingf("%s: its host key %s is not accepted: %s", host, print, oneLine(err)) // a revoked one
}

// explain tells why there is no connection.
func (h hostCheck) explain(err error) error {
	if l, ok := errors.AsType[*lasting](err); ok {
		return l // what key said
	}
	if none, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); ok && strings.Contains(none.What, "host key") {
		return lastingf("the server has no host key of the kind that %s holds for it (%s): it has %s",
			h.file, strings.Join(none.SupportedAlgorithms, ", "), strings.Join(none.RequestedAlgorithms, ", "))
	}
	if strings.Contains(err.Error(), "unable to authenticate") { // of all ends of a handshake the one without a type
		return errRefused
	}
	return plain(err)
}

// sshSession is git-upload-pack, run on the remote.
type sshSession struct {
	client    *ssh.Client
	session   *ssh.Session
	in        io.WriteCloser
	out       io.Reader
	said      firstBytes // beside the answer
	packBytes int64
}

func (s *sshSession) start(path string) (err error) {
	if s.session, err = s.client.NewSession(); err != nil {
		return err
	}
	s.session.Stderr = &s.said
	if s.in, err = s.session.StdinPipe(); err != nil {
		return err
	}
	if s.out, err = s.session.StdoutPipe(); err != nil {
		return err
	}
	return s.session.Start(transport.UploadPackServiceName + " " + shellQuote(path))
}

// shellQuote writes a word as the server's shell reads it, csh and its kin included.
func shellQuote(word string) string {
	return "'" + strings.NewReplacer(`'`, `'\''`, `!`, `'\!'`).Replace(word) + "'"
}

func (s *sshSession) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	refs := packp.NewAdvRefs()
	err := refs.Decode(&limitReader{s.out, maxRefsBytes})
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && refs.IsEmpty():
		return nil, transport.ErrEmptyRemoteRepository
	case errors.Is(err, packp.ErrEmptyInput):
		return nil, s.complaint()
	case err != nil:
		return nil, err
	}
	transport.FilterUnsupportedCapabilities(refs.Capabilities)
	return refs, nil
}

// noSuch is how servers say that a repository is not there, or not for this key.
var noSuch = regexp.MustCompile(`(?i)not (be )?found|not exist|not appear to be|not have access|denied|not allowed`)

// complaint is what a server says that ends without an answer.
func (s *sshSession) complaint() error {
	_ = s.session.Wait() // until all is said; that it failed is known
	switch text := strings.TrimSpace(string(s.said.data)); {
	case text == "":
		return errors.New("the remote ended the connection without an answer")
	case noSuch.MatchString(text):
		return lastingf("the remote has no such repository, or not for this key; it says: %s", oneLine(errors.New(text)))
	default:
		return fmt.Errorf("the remote gave no answer; it says: %s", oneLine(errors.New(text)))
	}
}

func (s *sshSession) UploadPack(_ context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	var text bytes.Buffer
	if err := req.UploadRequest.Encode(&text); err != nil {
		return nil, err
	}
	if err := pktline.NewEncoder(&text).EncodeString("done\n"); err != nil {
		return nil, err
	}
	if _, err := s.in.Write(text.Bytes()); err != nil {
		return nil, err
	}
	res := packp.NewUploadPackResponse(req)
	err := res.Decode(struct {
		io.Reader
		io.Closer
	}{&limitReader{s.out, framed(s.packBytes)}, s})
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, s.complaint()
	}
	return res, err
}

// Close ends the connection, and with it what runs on the remote.
func (s *sshSession) Close() error { return s.client.Close() }

// firstBytes keeps the start of what is written to it.
type firstBytes struct{ data []byte }

func (f *firstBytes) Write(b []byte) (int, error) {
	if room := maxErrorBytes - len(f.data); room > 0 {
		f.data = append(f.data, b[:min(room, len(b))]...)
	}
	return len(b), nil
}
