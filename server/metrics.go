package server

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wharfinger/wharfinger/status"
)

// maxPools bounds the time series of wharfinger_pool_peers: a proxy's pools with the
// fewest peers have one each, for those are the ones to worry about.
const maxPools = 500

// Metrics counts what the daemon does, and tells at each scrape what its Status says.
// It has a registry of its own. Names are after Prometheus' conventions.
type Metrics struct {
	registry *prometheus.Registry
	fetches  *prometheus.CounterVec
	rollouts *prometheus.CounterVec
	requests *prometheus.CounterVec
	steps    *prometheus.HistogramVec
	asking   *prometheus.HistogramVec
	answers  *prometheus.CounterVec
}

// NewMetrics makes Metrics of a program of that version.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		fetches: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wharfinger_git_fetches_total",
			Help: "Looks at the repository, by outcome: same, new, refused, failed or permanent."}, []string{"outcome"}),
		rollouts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wharfinger_rollouts_total",
			Help: "Rollouts by outcome: confirmed, unconfirmed, failed (taken back), or refused (nginx did not take the files)."}, []string{"proxy", "outcome"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wharfinger_docker_requests_total",
			Help: "Requests to the manager, by what they are about and HTTP status; 0 is no answer."}, []string{"about", "code"}),
		// From a build of few routes to a rollout over many nodes.
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "wharfinger_step_duration_seconds",
			Help: "Time that a step of a pass took: fetch, read, build, render, test or apply.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 10)}, []string{"step"}),
		asking: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "wharfinger_docker_request_duration_seconds",
			Help: "Time until the manager's answer began, by what the request is about.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 9)}, []string{"about"}),
	}
	m.answers = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wharfinger_dns_answers_total",
		Help: "Questions by DNS that were answered, by the code of the answer: NOERROR, NXDOMAIN, SERVFAIL ..."}, []string{"code"})
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "wharfinger_build_info", Help: "1, with the version of the program.",
		ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	m.registry.MustRegister(m.fetches, m.rollouts, m.requests, m.steps, m.asking, m.answers, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// So that a rate is 0, and not missing, before the first one.
	for _, outcome := range []string{"same", "new", "refused", "failed", "permanent"} {
		m.fetches.WithLabelValues(outcome)
	}
	m.answers.WithLabelValues("NOERROR")
	return m
}

// Fetched is watcher.Meter's.
func (m *Metrics) Fetched(outcome string) { m.fetches.WithLabelValues(outcome).Inc() }

// Took is watcher.Meter's.
func (m *Metrics) Took(step string, d time.Duration) {
	m.steps.WithLabelValues(step).Observe(d.Seconds())
}

// RolledOut is watcher.Meter's.
func (m *Metrics) RolledOut(proxy, outcome string) { m.rollouts.WithLabelValues(proxy, outcome).Inc() }

// Asked counts a request to a manager, as swarm.Options.Asked has it.
func (m *Metrics) Asked(about string, code int, took time.Duration) {
	m.requests.WithLabelValues(about, strconv.Itoa(code)).Inc()
	if about != "events" { // which begins when the first event comes
		m.asking.WithLabelValues(about).Observe(took.Seconds())
	}
}

// Named counts an answer, as dns.Server.Answered has it.
func (m *Metrics) Named(code string) { m.answers.WithLabelValues(code).Inc() }

// handler answers a scrape.
func (m *Metrics) handler(now func() status.Status, ready func() bool) http.Handler {
	gauges := prometheus.NewRegistry()
	gauges.MustRegister(collector{now, ready})
	return promhttp.HandlerFor(prometheus.Gatherers{m.registry, gauges}, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// collector makes gauges of a Status.
type collector struct {
	now   func() status.Status
	ready func() bool
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("wharfinger_"+name, help, labels, nil)
}

var (
	readyGauge     = gauge("ready", "1 once every proxy has served what it should, as /readyz.")
	sourceUp       = gauge("source_up", "1 if the repository could be read last time.")
	sourceRead     = gauge("source_read_timestamp_seconds", "When the repository could last be read, in seconds since 1970.")
	swarmUp        = gauge("swarm_up", "1 if the Swarm could be read last time.")
	swarmRead      = gauge("swarm_read_timestamp_seconds", "When the Swarm could last be read, in seconds since 1970.")
	pinSince       = gauge("pin_timestamp_seconds", "When the revision that stands in the place of what is pushed was pinned, in seconds since 1970; nothing without a pin.", "revision")
	problemsGauge  = gauge("problems", "Problems that stand: in the repository, for which the newest revision is refused, and in the cluster.", "where")
	proxyInfo      = gauge("proxy_info", "1, with the revision and the digest of the files that the proxy serves.", "proxy", "revision", "digest")
	proxyState     = gauge("proxy_state", "1 for the state that the proxy is in, 0 for all others.", "proxy", "state")
	proxySince     = gauge("proxy_revision_timestamp_seconds", "When the revision that the proxy serves first came to it, in seconds since 1970.", "proxy")
	proxyNodes     = gauge("proxy_nodes", "Nodes that the proxy has a task on.", "proxy")
	proxyDrift     = gauge("proxy_drift", "What of the proxy's service is not as the repository says, for somebody changed it by hand.", "proxy")
	proxyFailed    = gauge("proxy_failed", "1 while a rollout that failed is not tried again.", "proxy")
	pools          = gauge("pools", "Pools that the proxy leads to.", "proxy")
	poolPeers      = gauge("pool_peers", "Peers of a pool, for those 500 pools of a proxy that have the fewest.", "proxy", "pool")
	collectedDescs = []*prometheus.Desc{readyGauge, sourceUp, sourceRead, swarmUp, swarmRead, pinSince, problemsGauge, proxyInfo, proxyState,
		proxySince, proxyNodes, proxyDrift, proxyFailed, pools, poolPeers}
)

// Describe is prometheus.Collector's.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range collectedDescs {
		out <- d
	}
}

// Collect is prometheus.Collector's.
func (c collector) Collect(out chan<- prometheus.Metric) {
	set := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	at := func(d *prometheus.Desc, t time.Time, labels ...string) {
		if !t.IsZero() {
			set(d, float64(t.UnixMilli())/1000, labels...)
		}
	}
	s := c.now()
	set(readyGauge, number(c.ready()))
	if s.Source != nil {
		set(sourceUp, number(s.Source.Error == "" && !s.Source.Read.IsZero()))
		at(sourceRead, s.Source.Read)
	}
	if s.Swarm != nil {
		set(swarmUp, number(s.Swarm.Error == "" && !s.Swarm.Read.IsZero()))
		at(swarmRead, s.Swarm.Read)
	}
	for _, p := range s.Pinned {
		at(pinSince, p.Since, p.Revision)
	}
	refusing := 0
	for _, p := range s.Problems {
		refusing += int(number(p.Refuses))
	}
	set(problemsGauge, float64(refusing), "repository")
	set(problemsGauge, float64(len(s.Problems)-refusing), "cluster")
	for _, p := range s.Proxies {
		set(proxyInfo, 1, p.Name, p.Revision, p.Digest)
		for _, state := range status.States() {
			set(proxyState, number(p.State == state), p.Name, string(state))
		}
		at(proxySince, p.Since, p.Name)
		set(proxyNodes, float64(len(p.Nodes)), p.Name)
		set(proxyDrift, float64(len(p.Drift)), p.Name)
		set(proxyFailed, number(p.Failed != nil), p.Name)
		set(pools, float64(len(p.Pools)), p.Name)
		for _, pool := range fewestPeers(p.Pools) {
			set(poolPeers, float64(len(pool.Peers)), p.Name, pool.Name)
		}
	}
}

// fewestPeers are at most maxPools pools, those with the fewest peers first.
func fewestPeers(all []status.Pool) []status.Pool {
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b status.Pool) int { return cmp.Compare(len(a.Peers), len(b.Peers)) })
	return sorted[:min(len(sorted), maxPools)]
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
