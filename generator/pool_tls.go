package generator

import (
	"cmp"
	"fmt"

	"github.com/wharfinger/wharfinger/route"
)

// UpstreamTLS is TLS on the way to the peers of a pool (nginx: proxy_ssl_* and
// grpc_ssl_*, both of http and of stream).
type UpstreamTLS struct {
	// CA, Cert and Key are paths, or empty.
	CA     string
	Verify bool
	// Name is in the peers' certificate and the SNI that they get. It is empty
	// where the pool names none.
	Name      string
	Cert, Key string
}

// poolTLS is how nginx speaks TLS to a pool, or nil where it does not. A secret
// that is missing is told, and the pool cannot be asked.
func (b *proxyBuilder) poolTLS(p *route.Pool) (tls *UpstreamTLS, ok bool) {
	t := p.TLS
	if t.Pos.Line == 0 {
		return nil, true
	}
	tls = &UpstreamTLS{Verify: t.Verify.Value, Name: cmp.Or(t.Name.Value, p.Host.Value)}
	return tls, b.allSecrets(fmt.Sprintf("pool %s answers 503", p.Name), secretFile{t.CA, &tls.CA}, secretFile{t.Cert, &tls.Cert}, secretFile{t.Key, &tls.Key})
}
