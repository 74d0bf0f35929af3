package interlock

// key is one that Interlock's file may have.
type key struct {
	name string
	is   kind
	// same are values that ask for what is so here anyway.
	same []string
	// reason says why nothing becomes of it. It is empty where write makes something.
	reason string
	write  func(*draft, *setting)
	secret bool // never shown
}

// Reasons that several keys have.
const (
	ofExtension = "it is of the service that rendered nginx's files, which Wharfinger does itself"
	ofReloader  = "it is of the service that reloaded proxies in place, where Wharfinger rolls them"
	oneProcess  = "Interlock's parts met there, and Wharfinger is one process"
	certPath    = "Wharfinger finds the folder of its certificates in DOCKER_CERT_PATH"
	ownPort     = "the proxy listens on the port that it publishes"
	noAdmin     = "there is no page for administrators"
	ownLog      = "the log is one of plain, json and combined: see log of a proxy"
	noDHE       = "finite-field Diffie-Hellman is left out, as it is in the profiles"
)

// coreKeys are those at the head of a file.
var coreKeys = []key{
	{name: "ListenAddr", is: aText, reason: oneProcess},
	{name: "DockerURL", is: aText, same: []string{"unix:///var/run/docker.sock"}, reason: "Wharfinger is told the manager by --host or DOCKER_HOST"},
	{name: "TLSCACert", is: aText, reason: certPath},
	{name: "TLSCert", is: aText, reason: certPath},
	{name: "TLSKey", is: aText, reason: certPath},
	{name: "AllowInsecure", is: yesNo, same: []string{"false"}, reason: "whether a manager's certificate is looked at says DOCKER_TLS_VERIFY"},
	{name: "PollInterval", is: wait, reason: "the Swarm's events wake Wharfinger, and it looks every two seconds besides"},
	{name: "EndpointOverride", is: aText, reason: oneProcess},
	{name: extensions, is: aSection},
}

// extensionKeys are those of [Extensions.NAME].
var extensionKeys = []key{
	{name: "Image", is: aText, reason: ofExtension},
	{name: "Args", is: texts, reason: ofExtension},
	{name: "Labels", is: pairs, reason: ofExtension},
	{name: "ContainerLabels", is: pairs, reason: ofExtension},
	{name: "Networks", is: texts, write: listTo("networks")},
	{name: "Constraints", is: texts, reason: ofExtension},
	{name: "PlacementPreferences", is: texts, reason: ofExtension},
	{name: "ServiceName", is: aText, reason: ofExtension},
	{name: "ProxyImage", is: aText, write: (*draft).image},
	{name: "ProxyArgs", is: texts, reason: "the image's own command starts nginx"},
	{name: "ProxyLabels", is: pairs, write: mapTo("serviceLabels")},
	{name: "ProxyContainerLabels", is: pairs, write: mapTo("containerLabels")},
	{name: "ProxyServiceName", is: aText, reason: "a proxy's service is called wharfinger- and its name"},
	{name: "ProxyConfigPath", is: aText, same: []string{"/etc/nginx/nginx.conf"}, reason: "stock nginx reads /etc/nginx/nginx.conf"},
	{name: "ProxyReplicas", is: number, write: numberTo("replicas")},
	{name: "ProxyStopSignal", is: aText, write: (*draft).signal},
	{name: "ProxyStopGracePeriod", is: wait, write: scalarTo("drain")},
	{name: "ProxyConstraints", is: texts, write: listTo("constraints")},
	{name: "ProxyPlacementPreferences", is: texts, write: (*draft).preferences},
	{name: "ProxyUpdateDelay", is: wait, write: scalarTo("update.delay")},
	{name: "ServiceCluster", is: aText, write: scalarTo("labels.cluster")},
	{name: "PublishMode", is: aText, write: (*draft).publishMode},
	{name: "PublishedPort", is: number, write: numberTo("listen.http")},
	{name: "PublishedSSLPort", is: number, write: numberTo("listen.https")},
	{name: "TargetPort", is: number, reason: ownPort},
	{name: "TargetSSLPort", is: number, reason: ownPort},
	{name: "Template", is: aText, reason: "templates of one's own are no matter of the repository, but of --templates"},
	{name: "HitlessServiceUpdate", is: yesNo, same: []string{"false"}, reason: "no request is lost where the proxy has network: host"},
	{name: "ConfigImage", is: aText, reason: ofReloader},
	{name: "ConfigServiceName", is: aText, reason: ofReloader},
	{name: configs, is: aSection},
}

// configKeys are those of [Extensions.NAME.Config], which were nginx's. Version,
// AdminUser and AdminPass are in no documentation, but in the file that UCP made.
var configKeys = []key{
	{name: "Version", is: aText, reason: "it says which Interlock the file was for"},
	{name: "User", is: aText, same: []string{"nginx"}, reason: "nginx's workers run as the user that the image has for them"},
	{name: "PidPath", is: aText, reason: "nobody but nginx itself reads it"},
	{name: "WorkerProcesses", is: words, same: []string{"auto"}, write: numberTo("workers")},
	{name: "RLimitNoFile", is: number, write: numberTo("openFiles")},
	{name: "MaxConnections", is: number, write: numberTo("connections")},
	{name: "ConnectTimeout", is: wait, write: scalarTo("defaults.timeouts.connect")},
	{name: "SendTimeout", is: wait, write: scalarTo("defaults.timeouts.send")},
	{name: "ReadTimeout", is: wait, write: scalarTo("defaults.timeouts.read")},
	{name: "KeepaliveTimeout", is: words, same: []string{"75s", "75"}, write: directiveOf("keepalive_timeout")},
	{name: "ClientMaxBodySize", is: size, write: numberTo("defaults.maxBody")},
	{name: "ClientBodyBufferSize", is: words, write: directiveOf("client_body_buffer_size")},
	{name: "ClientHeaderBufferSize", is: words, same: []string{"1k"}, write: directiveOf("client_header_buffer_size")},
	{name: "LargeClientHeaderBuffers", is: words, same: []string{"4 8k"}, write: directiveOf("large_client_header_buffers")},
	{name: "ClientBodyTimeout", is: wait, write: scalarTo("defaults.timeouts.client")},
	{name: "UnderscoresInHeaders", is: yesNo, same: []string{"false"}, write: (*draft).underscores},
	{name: "ServerNamesHashBucketSize", is: number, reason: "it is as large as the names need"},
	{name: "UpstreamZoneSize", is: number, reason: "what workers share is as large as the pool needs"},
	{name: "SSLOpts", is: aText, write: (*draft).raw},
	{name: "SSLDefaultDHParam", is: number, reason: noDHE},
	{name: "SSLDefaultDHParamPath", is: aText, reason: noDHE},
	{name: "SSLVerify", is: aText, same: []string{"none", "off"}, reason: "whose clients show certificates says tls: {clients: SECRET} of a route"},
	{name: "SSLCiphers", is: aText, reason: "the profile says which ciphers there are"},
	{name: "SSLProtocols", is: aText, write: (*draft).protocols},
	{name: "GlobalOptions", is: texts, reason: "nginx's outermost block has no snippet: what of it is needed belongs into templates of one's own"},
	{name: "HTTPOptions", is: texts, write: (*draft).raw},
	{name: "TCPOptions", is: texts, reason: "nginx's stream block has no snippet: streams have options of their own"},
	{name: "HideInfoHeaders", is: yesNo, write: (*draft).infoHeaders},
	{name: "AccessLogPath", is: aText, same: []string{"/dev/stdout"}, reason: "the log is the container's standard output"},
	{name: "ErrorLogPath", is: aText, same: []string{"/dev/stdout", "/dev/stderr"}, reason: "the log of errors is the container's standard error"},
	{name: "MainLogFormat", is: aText, reason: ownLog},
	{name: "TraceLogFormat", is: aText, reason: ownLog},
	{name: "HTTPVersion", is: words, same: []string{"1.1"}, reason: "pools are spoken to by HTTP/1.1, or by HTTP/2 with protocol: grpc"},
	{name: "IPHash", is: yesNo, same: []string{"false"}, reason: "it is a matter of each pool: hash: client"},
	{name: "AdminUser", is: aText, reason: noAdmin},
	{name: "AdminPass", is: aText, reason: noAdmin, secret: true},
}

// The keys of tables, which Interlock has one in another.
const (
	extensions = "Extensions"
	configs    = "Config"
)

// Keys lists every key that is read, in the order of Interlock's documentation.
func Keys() []string {
	var names []string
	for _, keys := range [][]key{coreKeys, extensionKeys, configKeys} {
		for _, k := range keys {
			names = append(names, k.name)
		}
	}
	return names
}
