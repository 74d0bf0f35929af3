package nginx_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/wharfinger/wharfinger/lab"
	"github.com/wharfinger/wharfinger/route"
)

// feature is one thing that clients and peers meet. Its function writes a small
// repository, has a real nginx serve it, and looks at what goes over the wire:
//
//	func hostsExact(t *testing.T, w *wharf) {
//		w.serve(t, `
//			pools: {shop: {servers: [{{shop}}]}}
//			routes: {shop: {hosts: [shop.example], pool: shop}}
//		`)
//		if a := w.get(t, "http://shop.example/"); a.Peer != "shop" {
//			t.Errorf("got %d from %q, want an answer from shop", a.Status, a.Peer)
//		}
//		w.refused(t, `routes: {shop: {hosts: [shop], pol: shop}}`, "unknown field")
//	}
//
// The function lies in a file for its area, such as behaviour_tls_test.go.
type feature struct {
	// name is AREA/WHAT: `go test ./nginx -run Behaviour/1.30/hosts/exact`.
	name string
	do   func(t *testing.T, w *wharf)
	// since is the first nginx that has what the feature uses, as "1.25" or
	// "1.27.3". On an older one the feature ends at its first serve: what that
	// would serve must be refused with a Problem that names this version.
	since string
}

// features is all that is promised of a proxy's behaviour. A new line goes to the
// end of its area.
var features = []feature{
	// Matching
	{name: "hosts/exact", do: hostsExact},
	{name: "hosts/wildcard", do: hostsWildcard},
	{name: "hosts/unknown", do: hostsUnknown},
	{name: "paths/prefix", do: pathsPrefix},
	{name: "paths/longest", do: pathsLongest},
	{name: "hosts/several", do: hostsSeveral},
	{name: "hosts/default", do: hostsDefault},
	{name: "paths/exact", do: pathsExact},
	{name: "paths/regex", do: pathsRegex},
	{name: "paths/inner", do: pathsInner},
	{name: "when/method", do: whenMethod},
	{name: "when/header", do: whenHeader},
	{name: "when/cookie", do: whenCookie},
	{name: "when/query", do: whenQuery},
	{name: "when/combined", do: whenCombined},
	{name: "order/falls-through", do: orderFallsThrough},
	{name: "order/priority", do: orderPriority},
	{name: "order/ties", do: orderTies},
	{name: "order/shadowed", do: orderShadowed},

	// Reuse
	{name: "reuse/policies", do: reusePolicies},
	{name: "reuse/denials", do: reuseDenials},
	{name: "reuse/off", do: reuseOff},

	// Targets
	{name: "redirect/whole", do: redirectWhole},
	{name: "redirect/parts", do: redirectParts},
	{name: "redirect/regex", do: redirectRegex},
	{name: "redirect/canonical", do: redirectCanonical},
	{name: "redirect/slash", do: redirectSlash},
	{name: "redirect/circles", do: redirectCircles},
	{name: "respond/fixed", do: respondFixed},
	{name: "rewrite/strip", do: rewriteStrip},
	{name: "rewrite/prefix", do: rewritePrefix},
	{name: "rewrite/regex", do: rewriteRegex},
	{name: "split/weights", do: splitWeights},
	{name: "split/sticky", do: splitSticky},

	{name: "errors/pool", do: errorsPool},
	{name: "errors/answers", do: errorsAnswers},
	{name: "errors/access", do: errorsAccess},
	{name: "errors/pool-kinds", do: errorsPoolKinds},
	{name: "maintenance/on", do: maintenanceOn},
	{name: "mirror/copies", do: mirrorCopies},
	{name: "mirror/share", do: mirrorShare},
	{name: "mirror/slow", do: mirrorSlow},

	// Pools
	{name: "pools/no-peers", do: poolsNoPeers},
	{name: "pools/one-peer-dead", do: poolsOnePeerDead},
	{name: "pools/backup", do: poolsBackup},
	{name: "pools/round-robin", do: poolsRoundRobin},
	{name: "pools/least-connections", do: poolsLeastConnections},
	{name: "pools/random-two", do: poolsRandomTwo},
	{name: "pools/hash", do: poolsHash},
	{name: "pools/hash-missing", do: poolsHashMissing},
	{name: "pools/hash-peer-dies", do: poolsHashPeerDies},
	{name: "pools/sticky", do: poolsSticky},
	{name: "pools/sticky-peer-dies", do: poolsStickyPeerDies},
	{name: "pools/sticky-tls", do: poolsStickyTLS},
	{name: "pools/keepalive", do: poolsKeepalive},
	{name: "pools/max-connections", do: poolsMaxConnections},
	{name: "pools/max-fails", do: poolsMaxFails},
	{name: "pools/many-peers", do: poolsManyPeers},
	{name: "pools/host", do: poolsHost},
	{name: "pools/tls", do: poolsTLS},
	{name: "pools/tls-verify", do: poolsTLSVerify},
	{name: "pools/tls-versions", do: poolsTLSVersions},
	{name: "pools/tls-client", do: poolsTLSClient},
	{name: "pools/tls-no-secret", do: poolsTLSNoSecret},
	{name: "pools/grpc", do: poolsGRPC, since: "1.25.1"},
	{name: "pools/grpc-by-tls", do: poolsGRPCByTLS},
	{name: "pools/grpc-tls", do: poolsGRPCTLS, since: "1.25.1"},
	{name: "pools/grpc-retries", do: poolsGRPCRetries, since: "1.25.1"},
	{name: "pools/mixed", do: poolsMixed},

	// TLS
	{name: "tls/certificates", do: tlsCertificates},
	{name: "tls/defaults", do: tlsDefaults},
	{name: "tls/unknown-name", do: tlsUnknownName},
	{name: "tls/any-name", do: tlsAnyName},
	{name: "tls/missing-secret", do: tlsMissingSecret},
	{name: "tls/plain-redirect", do: tlsPlainRedirect},
	{name: "tls/plain-serve", do: tlsPlainServe},
	{name: "tls/plain-refuse", do: tlsPlainRefuse},
	{name: "tls/profile-intermediate", do: tlsIntermediate},
	{name: "tls/profile-modern", do: tlsModern},
	{name: "tls/sessions", do: tlsSessions},
	{name: "tls/clients", do: tlsClients},
	{name: "tls/clients-optional", do: tlsClientsOptional},
	{name: "tls/clients-elsewhere", do: tlsClientsElsewhere},
	{name: "tls/hsts", do: tlsHSTS},
	{name: "tls/http2", do: tlsHTTP2},
	{name: "tls/http3", do: tlsHTTP3, since: "1.25"},

	// Listeners
	{name: "listen/ipv6", do: ipv6Listeners},
	{name: "listen/ipv6-http3", do: ipv6HTTP3, since: "1.25"},
	{name: "listen/ipv6-passthrough", do: ipv6Passthrough},

	// Streams
	{name: "streams/tcp", do: streamsTCP},
	{name: "streams/udp", do: streamsUDP},
	{name: "streams/responses", do: streamsResponses},
	{name: "streams/tls-in", do: streamsTLSIn},
	{name: "streams/tls-clients", do: streamsTLSClients},
	{name: "streams/tls-out", do: streamsTLSOut},
	{name: "streams/no-secret", do: streamsNoSecret},
	{name: "streams/no-peers", do: streamsNoPeers},
	{name: "streams/proxy-protocol-in", do: streamsProxyProtocolIn},
	{name: "streams/proxy-protocol-out", do: streamsProxyProtocolOut},
	{name: "streams/access", do: streamsAccess},
	{name: "streams/connections", do: streamsConnections},
	{name: "streams/timeouts", do: streamsTimeouts},
	{name: "streams/next-peer", do: streamsNextPeer},
	{name: "streams/hash", do: streamsHash},
	{name: "streams/balance", do: streamsBalance},
	{name: "streams/log-json", do: streamsLogJSON},
	{name: "passthrough/exact", do: passthroughExact},
	{name: "passthrough/wildcard", do: passthroughWildcard},
	{name: "passthrough/client-certificate", do: passthroughClientCert},
	{name: "passthrough/unknown", do: passthroughUnknown},
	{name: "passthrough/proxy-protocol", do: passthroughProxyProtocol},
	{name: "passthrough/beside-opened", do: passthroughBeside},
	{name: "passthrough/beside-opened-proxy-protocol", do: passthroughBesideProxyProtocol},

	// Traffic
	{name: "traffic/host", do: trafficHost},
	{name: "traffic/client-headers", do: trafficClientHeaders},
	{name: "traffic/websocket", do: trafficWebsocket},
	{name: "traffic/other-upgrades", do: trafficOtherUpgrades},
	{name: "traffic/body-limit", do: trafficBodyLimit},
	{name: "traffic/accel-redirect", do: trafficAccelRedirect},
	{name: "traffic/trusted-proxies", do: trafficTrusted},
	{name: "traffic/trusted-tls", do: trafficTrustedTLS},
	{name: "traffic/proxy-protocol", do: trafficProxyProtocol},
	{name: "headers/request", do: headersRequest},
	{name: "headers/response", do: headersResponse},
	{name: "headers/cache-control", do: headersCacheControl},
	{name: "cookies/attributes", do: cookiesAttributes},
	{name: "cors/preflight", do: corsPreflight},
	{name: "cors/responses", do: corsResponses},
	{name: "cors/ahead", do: corsAhead},
	{name: "body/chunked", do: bodyChunked},
	{name: "body/off", do: bodyOff},
	{name: "body/of-routes", do: bodyOfRoutes},
	{name: "limits/rate", do: limitsRate},
	{name: "limits/burst", do: limitsBurst},
	{name: "limits/by", do: limitsBy},
	{name: "limits/merged", do: limitsMerged},
	{name: "limits/connections", do: limitsConnections},
	{name: "limits/bandwidth", do: limitsBandwidth},
	{name: "compress/on", do: compressOn},
	{name: "compress/choice", do: compressChoice},
	{name: "cache/hit", do: cacheHit},
	{name: "cache/private", do: cachePrivate},
	{name: "cache/told-apart", do: cacheToldApart},
	{name: "cache/valid", do: cacheValid},
	{name: "cache/stale", do: cacheStale},
	{name: "cache/once", do: cacheOnce},
	{name: "cache/websocket", do: cacheWebsocket},
	{name: "cache/size", do: cacheSize},
	{name: "traffic/retries-on", do: trafficRetriesOn},
	{name: "traffic/retries-invalid", do: trafficRetriesInvalid},
	{name: "traffic/retries-dead", do: trafficRetriesDead},
	{name: "traffic/retries-unsafe", do: trafficRetriesUnsafe},
	{name: "traffic/retries-within", do: trafficRetriesWithin},
	{name: "traffic/timeout-connect", do: trafficTimeoutConnect},
	{name: "traffic/timeout-read", do: trafficTimeoutRead},
	{name: "traffic/timeout-send", do: trafficTimeoutSend},
	{name: "traffic/timeout-client", do: trafficTimeoutClient},
	{name: "traffic/buffering-requests", do: trafficBufferingRequests},
	{name: "traffic/buffering-responses", do: trafficBufferingResponses},
	{name: "traffic/events", do: trafficEvents},
	{name: "traffic/events-idle", do: trafficEventsIdle},
	{name: "traffic/websocket-idle", do: trafficWebsocketIdle},
	{name: "traffic/grpc-idle", do: trafficGRPCIdle, since: "1.25.1"},

	// Access
	{name: "access/addresses", do: accessAddresses},
	{name: "access/basic", do: accessBasic},
	{name: "access/missing-secret", do: accessMissingSecret},
	{name: "access/fixed-answers", do: accessFixedAnswers},
	{name: "access/any", do: accessAny},
	{name: "access/auth", do: accessAuth},
	{name: "access/sign-in", do: accessSignIn},
	{name: "access/auth-beside", do: accessAuthBeside},
	{name: "spoof/auth-headers", do: spoofAuthHeaders},
	{name: "spoof/client-headers", do: spoofClientHeaders},
	{name: "spoof/names", do: spoofNames},

	// Seeing
	{name: "seeing/log-json", do: seeingLogJSON},
	{name: "seeing/log-plain", do: seeingLogPlain},
	{name: "seeing/log-combined", do: seeingLogCombined},
	{name: "seeing/status", do: seeingStatus},
	{name: "seeing/info-headers", do: seeingInfoHeaders},

	// Templates
	{name: "templates/own", do: templatesOwn},
	{name: "templates/snippets", do: templatesSnippets},
	{name: "templates/snippets-bounds", do: templatesSnippetsBounds},

	// All at once
	// Discovery
	{name: "discovery/follows", do: discoveryFollows, since: "1.27.3"},
	{name: "discovery/outage", do: discoveryOutage, since: "1.27.3"},
	{name: "discovery/large", do: discoveryLarge, since: "1.27.3"},
	{name: "discovery/two-daemons", do: discoveryTwo, since: "1.27.3"},
	{name: "discovery/streams", do: discoveryStreams, since: "1.27.3"},

	{name: "everything/serves", do: everythingServes, since: "1.25"},
}

// TestBehaviour holds what clients and peers meet: a real nginx serves rendered
// files, Go servers are the peers.
func TestBehaviour(t *testing.T) {
	if testing.Short() {
		t.Skip("the lab's nginx is fetched as root")
	}
	checkFeatures(t)
	versions := []string{"1.30", "1.22"}
	figures := make([]string, len(versions))
	t.Cleanup(func() { // the versions run side by side, for most of it is waiting
		t.Logf("behaviour: of %d features, %s", len(features), strings.Join(figures, "; "))
	})
	for i, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			program, err := lab.Nginx(t.Context(), version)
			if err != nil {
				t.Fatal(err)
			}
			ran, without := 0, 0
			for _, f := range features {
				t.Run(f.name, func(t *testing.T) {
					w := newWharf(t, version, program)
					if f.since != "" && !atLeast(t, version, f.since) {
						without++
						w.lacks = f.since
					} else {
						ran++
					}
					w.run(t, f)
				})
			}
			figures[i] = fmt.Sprintf("nginx %s: %d features ran, %d were left out for the version and refused by name", version, ran, without)
		})
	}
}

// endedEarly ends a feature whose nginx lacks what it uses.
const endedEarly = "a feature with since calls serve outside of its sub-tests"

// run runs a feature. One that this nginx lacks ends at its first serve.
func (w *wharf) run(t *testing.T, f feature) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil && r != endedEarly {
			panic(r)
		}
	}()
	f.do(t, w)
	if w.lacks != "" {
		t.Errorf("the feature serves nothing, so nothing tells that nginx %s lacks it", w.version)
	}
}

// checkFeatures holds the table together: every name is there once, and so is
// every nginx that features are left out for.
func checkFeatures(t *testing.T) {
	t.Helper()
	name := regexp.MustCompile(`^[a-z]+/[a-z0-9-]+$`)
	seen := map[string]bool{}
	for _, f := range features {
		if !name.MatchString(f.name) || seen[f.name] {
			t.Errorf("feature %q: want a name of its own, as area/what", f.name)
		}
		seen[f.name] = true
		if f.since != "" && (atLeast(t, "1.22", f.since) || !atLeast(t, "1.30", f.since)) {
			t.Errorf("feature %s: since %s, want a version that 1.30 has reached and 1.22 has not", f.name, f.since)
		}
	}
}

// atLeast reports whether an nginx line, as "1.22", has reached a version.
func atLeast(t *testing.T, line, since string) bool {
	t.Helper()
	have, want := route.Version{Patch: -1}, route.Version{}
	if _, err := fmt.Sscanf(line, "%d.%d", &have.Major, &have.Minor); err != nil {
		t.Fatalf("nginx %s: %v", line, err)
	}
	// A version may have no patch level: then it has its first.
	if n, err := fmt.Sscanf(since, "%d.%d.%d", &want.Major, &want.Minor, &want.Patch); n < 2 {
		t.Fatalf("since %s: %v", since, err)
	}
	return have.AtLeast(want.Major, want.Minor, want.Patch)
}
