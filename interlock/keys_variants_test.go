package interlock_test

// written is a way to write a key.
type written struct{ what, text string }

// Heads of what keys stand below.
const (
	inExtension = "[Extensions.default]\n"
	inConfig    = "[Extensions.default.Config]\n"
)

// keyVariants are the keys of Interlock's file, each written well, untidily and wrong.
var keyVariants = map[string][]written{
	"ListenAddr":       {{"well", `ListenAddr = ":8080"` + "\n" + inExtension}, {"in another case", `listenaddr = ":8080"` + "\n" + inExtension}, {"wrong", "ListenAddr = 8080\n" + inExtension}},
	"DockerURL":        {{"the default", `DockerURL = "unix:///var/run/docker.sock"` + "\n" + inExtension}, {"another", `DockerURL = "tcp://10.0.0.1:2376"` + "\n" + inExtension}, {"wrong", "DockerURL = [\"unix:///var/run/docker.sock\"]\n" + inExtension}},
	"TLSCACert":        {{"well", `TLSCACert = "/certs/ca.pem"` + "\n" + inExtension}, {"wrong", "TLSCACert = true\n" + inExtension}},
	"TLSCert":          {{"well", `TLSCert = "/certs/cert.pem"` + "\n" + inExtension}, {"misspelt", `TLSCerts = "/certs/cert.pem"` + "\n" + inExtension}},
	"TLSKey":           {{"well", `TLSKey = "/certs/key.pem"` + "\n" + inExtension}, {"empty", `TLSKey = ""` + "\n" + inExtension}, {"wrong", "TLSKey = 2024-01-01\n" + inExtension}},
	"AllowInsecure":    {{"the default", "AllowInsecure = false\n" + inExtension}, {"another", "AllowInsecure = true\n" + inExtension}, {"as a text", `AllowInsecure = "yes"` + "\n" + inExtension}, {"wrong", "AllowInsecure = 1\n" + inExtension}},
	"PollInterval":     {{"well", `PollInterval = "3s"` + "\n" + inExtension}, {"as seconds", "PollInterval = 3\n" + inExtension}, {"wrong", "PollInterval = {}\n" + inExtension}},
	"EndpointOverride": {{"well", `EndpointOverride = "10.0.0.1:8080"` + "\n" + inExtension}, {"in the wrong place", inExtension + `EndpointOverride = "10.0.0.1:8080"`}},
	"Extensions": {
		{"well", "[Extensions]\n[Extensions.default]\n"}, {"without its head", "[Extensions.default]\n"}, {"in another case", "[extensions.default]\n"}, {"in braces", "Extensions = {default = {PublishedPort = 8080}}"}, {"with dots", "Extensions.default.PublishedPort = 8080"},
		{"several", "[Extensions.east]\nServiceCluster = \"east\"\nPublishMode = \"host\"\n[Extensions.west]\nServiceCluster = \"west\"\nPublishMode = \"host\"\nPublishedPort = 8081\nPublishedSSLPort = 8444\n"},
		{"with names that are none here", "[Extensions.\"East Coast/1\"]\nPublishMode = \"host\"\n[Extensions.\"east coast 1\"]\nPublishMode = \"host\"\nPublishedPort = 81\nPublishedSSLPort = 444\n[Extensions.a-name-that-is-longer-than-a-proxy-may-have]\nPublishMode = \"host\"\nPublishedPort = 82\nPublishedSSLPort = 445\n"},
		{"two that want one port", "[Extensions.east]\n[Extensions.west]\n"},
		{"and a mistake, by which it may not be so", "[Extensions.east]\n[Extensions.west]\nPublishPort = 81\n"},
		{"none", "[Extensions]\n"}, {"nothing", ""}, {"wrong", "Extensions = \"default\"\n"}, {"an extension that is none", "[Extensions]\ndefault = \"nginx\"\n"},
		{"of Interlock 1", "ListenAddr = \":8080\"\nEnableMetrics = true\n[[Extensions]]\nName = \"nginx\"\nPidPath = \"/etc/conf/nginx.pid\"\n[[Extensions]]\nName = \"haproxy\"\n"},
		{"twice", "[Extensions]\n[Extensions.default]\n[Extensions]\n[Extensions.default]\n"}, {"twice in two cases", "[Extensions.default]\n[extensions.default]\n"},
	},

	"Image":                     {{"well", inExtension + `Image = "docker/ucp-interlock-extension:3.2.3"`}, {"what was never filled in", inExtension + `Image = "{{ page.ucp_org }}/ucp-interlock-extension:{{ page.ucp_version }}"`}, {"wrong", inExtension + "Image = []"}},
	"Args":                      {{"well", inExtension + `Args = ["-D"]`}, {"empty", inExtension + `Args = [""]`}, {"as a text", inExtension + `Args = "-D"`}, {"wrong", inExtension + "Args = [1]"}},
	"Labels":                    {{"well", inExtension + "[Extensions.default.Labels]\n\"ext_region\" = \"east\"\n"}, {"as a list", inExtension + `Labels = ["ext_region=east"]`}, {"wrong", inExtension + "[[Extensions.default.Labels]]\nname = \"ext_region\"\n"}},
	"ContainerLabels":           {{"well", inExtension + "[Extensions.default.ContainerLabels]\n\"com.docker.ucp.InstanceID\" = \"vl5umu06ryluu66uzjcv5h1bo\"\n"}, {"wrong", inExtension + "ContainerLabels = \"a=b\""}},
	"Networks":                  {{"well", inExtension + `Networks = ["eastnet"]`}, {"as a text", inExtension + `Networks = "eastnet"`}, {"wrong", inExtension + `Networks = ["east net"]`}},
	"Constraints":               {{"well", inExtension + `Constraints = ["node.platform.os==linux"]`}, {"wrong", inExtension + "Constraints = true"}},
	"PlacementPreferences":      {{"well", inExtension + `PlacementPreferences = ["spread=node.labels.zone"]`}, {"wrong", inExtension + "PlacementPreferences = 1.5"}},
	"ServiceName":               {{"well", inExtension + `ServiceName = "ucp-interlock-extension"`}, {"misspelt", inExtension + `Servicename_ = "ucp-interlock-extension"`}},
	"ProxyImage":                {{"well", inExtension + `ProxyImage = "nginx:1.26.3"`}, {"of a registry", inExtension + `ProxyImage = "registry.example.org:5000/mirror/nginx:1.25.5-alpine"`}, {"Interlock's own", inExtension + `ProxyImage = "docker/ucp-interlock-proxy:3.2.3"`}, {"without a version", inExtension + `ProxyImage = "nginx:alpine"`}, {"without a tag", inExtension + `ProxyImage = "nginx"`}, {"too old", inExtension + `ProxyImage = "nginx:1.21.6"`}, {"of somebody", inExtension + `ProxyImage = "example/proxy:7"`}, {"wrong", inExtension + `ProxyImage = "nginx 1.26"`}},
	"ProxyArgs":                 {{"well", inExtension + `ProxyArgs = ["-g", "daemon off;"]`}, {"empty", inExtension + `ProxyArgs = []`}, {"wrong", inExtension + "ProxyArgs = [[]]"}},
	"ProxyLabels":               {{"well", inExtension + "[Extensions.default.ProxyLabels]\n\"proxy_region\" = \"east\"\ncost = 7\n"}, {"in braces", inExtension + `ProxyLabels = {proxy_region = "east: #1"}`}, {"as a list", inExtension + `ProxyLabels = ["proxy_region=east", "wharfinger.applied=x", "bare"]`}, {"twice in a list", inExtension + `ProxyLabels = ["proxy_region=east", "proxy_region=west"]`}, {"wrong", inExtension + "[Extensions.default.ProxyLabels]\nproxy_region = [\"east\"]\n"}},
	"ProxyContainerLabels":      {{"well", inExtension + "[Extensions.default.ProxyContainerLabels]\n\"com.docker.ucp.InstanceID\" = \"vl5umu06ryluu66uzjcv5h1bo\"\n"}, {"wrong", inExtension + "ProxyContainerLabels = 1"}},
	"ProxyServiceName":          {{"well", inExtension + `ProxyServiceName = "ucp-interlock-proxy"`}, {"wrong", inExtension + "ProxyServiceName = false"}},
	"ProxyConfigPath":           {{"the default", inExtension + `ProxyConfigPath = "/etc/nginx/nginx.conf"`}, {"another", inExtension + `ProxyConfigPath = "/etc/proxy.conf"`}, {"wrong", inExtension + "ProxyConfigPath = [1, 2]"}},
	"ProxyReplicas":             {{"well", inExtension + "ProxyReplicas = 2"}, {"as a text", inExtension + `ProxyReplicas = "2"`}, {"wrong", inExtension + `ProxyReplicas = "two"`}, {"too many", inExtension + `ProxyReplicas = 99999999999999999999`}},
	"ProxyStopSignal":           {{"the default", inExtension + `ProxyStopSignal = "SIGQUIT"`}, {"as Docker takes it, too", inExtension + `ProxyStopSignal = "quit"`}, {"another", inExtension + `ProxyStopSignal = "SIGTERM"`}, {"one that does not end it", inExtension + `ProxyStopSignal = "SIGHUP"`}, {"wrong", inExtension + "ProxyStopSignal = 3"}},
	"ProxyStopGracePeriod":      {{"well", inExtension + `ProxyStopGracePeriod = "5s"`}, {"as seconds", inExtension + "ProxyStopGracePeriod = 5"}, {"as nanoseconds", inExtension + "ProxyStopGracePeriod = 5_000_000_000"}, {"in parts", inExtension + `ProxyStopGracePeriod = "1m30s"`}, {"wrong", inExtension + `ProxyStopGracePeriod = "soon"`}, {"too long", inExtension + `ProxyStopGracePeriod = "2h"`}},
	"ProxyConstraints":          {{"well", inExtension + `ProxyConstraints = ["node.labels.com.docker.ucp.orchestrator.swarm==true", "node.labels.nodetype == loadbalancer"]`}, {"as a text", inExtension + `ProxyConstraints = "node.role==worker"`}, {"wrong", inExtension + "ProxyConstraints = [\n  \"node.role==worker\",\n  \"nodetype=loadbalancer\",\n]"}, {"of a wrong type", inExtension + `ProxyConstraints = false`}},
	"ProxyPlacementPreferences": {{"well", inExtension + "ProxyPlacementPreferences = [\"spread=node.labels.zone\"]\nProxyReplicas = 2"}, {"without its strategy", inExtension + "ProxyReplicas = 2\nProxyPlacementPreferences = \"node.labels.zone\""}, {"without replicas", inExtension + `ProxyPlacementPreferences = ["spread=node.labels.zone"]`}, {"of another strategy", inExtension + "ProxyReplicas = 2\nProxyPlacementPreferences = [\"binpack\"]"}, {"wrong", inExtension + "ProxyPlacementPreferences = {}"}},
	"ProxyUpdateDelay":          {{"well", inExtension + `ProxyUpdateDelay = "10s"`}, {"as seconds", inExtension + "ProxyUpdateDelay = 10"}, {"wrong", inExtension + "ProxyUpdateDelay = 10s"}},
	"ServiceCluster":            {{"well", inExtension + `ServiceCluster = "us-east"`}, {"digits alone", inExtension + `ServiceCluster = "1"`}, {"wrong", inExtension + `ServiceCluster = "us east"`}},
	"PublishMode":               {{"host", inExtension + `PublishMode = "host"`}, {"ingress", inExtension + `PublishMode = "ingress"`}, {"untidy", inExtension + `publishMode = " Host "`}, {"empty", inExtension + `PublishMode = ""`}, {"wrong", inExtension + `PublishMode = "bridge"`}},
	"PublishedPort":             {{"well", inExtension + "PublishedPort = 8080"}, {"as a text", inExtension + `PublishedPort = "8080"`}, {"wrong", inExtension + "PublishedPort = 80800"}, {"of a wrong type", inExtension + "PublishedPort = 80.5"}},
	"PublishedSSLPort":          {{"well", inExtension + "PublishedSSLPort = 8443"}, {"spelt as TLS", inExtension + "PublishedTLSPort = 8443"}, {"wrong", inExtension + "PublishedSSLPort = -1"}},
	"TargetPort":                {{"well", inExtension + "TargetPort = 80"}, {"wrong", inExtension + "TargetPort = true"}},
	"TargetSSLPort":             {{"well", inExtension + "TargetSSLPort = 443"}, {"wrong", inExtension + `TargetSSLPort = "https"`}},
	"Template":                  {{"well", inExtension + `Template = "interlock-custom-template"`}, {"wrong", inExtension + "Template = 1"}},
	"HitlessServiceUpdate":      {{"the default", inExtension + "HitlessServiceUpdate = false"}, {"another", inExtension + "HitlessServiceUpdate = true"}, {"wrong", inExtension + `HitlessServiceUpdate = "perhaps"`}},
	"ConfigImage":               {{"well", inExtension + `ConfigImage = "docker/ucp-interlock-config:3.2.3"`}, {"wrong", inExtension + "ConfigImage = 1"}},
	"ConfigServiceName":         {{"well", inExtension + `ConfigServiceName = "ucp-interlock-config"`}, {"wrong", inExtension + "ConfigServiceName = 1"}},
	"Config":                    {{"well", "[Extensions.default.Config]\nMaxConnections = 2048\n"}, {"without its parents", "[Config]\nMaxConnections = 2048\n[Extensions.default]\n"}, {"wrong", inExtension + `Config = "nginx"`}, {"twice", "[Extensions.default.Config]\nUser = \"nginx\"\nUser = \"www\"\nuser = \"nobody\"\n"}},
}
