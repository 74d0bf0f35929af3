package interlock_test

import "maps"

// What the tables have of [Extensions.NAME.Config].
func init() {
	maps.Copy(keyVariants, map[string][]written{
		"Version":                   {{"empty", inConfig + `Version = ""`}, {"well", inConfig + `Version = "3.2.3"`}},
		"User":                      {{"the default", inConfig + `User = "nginx"`}, {"another", inConfig + `User = "www-data"`}, {"wrong", inConfig + "User = 101"}},
		"PidPath":                   {{"well", inConfig + `PidPath = "/var/run/proxy.pid"`}, {"wrong", inConfig + "PidPath = 1"}},
		"WorkerProcesses":           {{"well", inConfig + "WorkerProcesses = 4"}, {"as a text", inConfig + `WorkerProcesses = "4"`}, {"by itself", inConfig + `WorkerProcesses = "auto"`}, {"wrong", inConfig + "WorkerProcesses = [4]"}},
		"RLimitNoFile":              {{"well", inConfig + "RLimitNoFile = 65535"}, {"as the seed has it", inConfig + "RlimitNoFile = 65535"}, {"few", inConfig + "RLimitNoFile = 2048"}, {"fewer than connections", inConfig + "RLimitNoFile = 1024\nMaxConnections = 2048"}, {"in both spellings", inConfig + "RlimitNoFile = 65535\nRLimitNoFile = 1024"}, {"wrong", inConfig + `RLimitNoFile = "many"`}},
		"MaxConnections":            {{"well", inConfig + "MaxConnections = 2048"}, {"misspelt", inConfig + "MaxConnection = 2048"}, {"wrong", inConfig + "MaxConnections = 1e3"}},
		"ConnectTimeout":            {{"well", inConfig + "ConnectTimeout = 5"}, {"as a duration", inConfig + `ConnectTimeout = "5s"`}, {"as nanoseconds", inConfig + "ConnectTimeout = 5000000000"}, {"with a point", inConfig + "ConnectTimeout = 1.5"}, {"wrong", inConfig + `ConnectTimeout = "never"`}, {"too short", inConfig + `ConnectTimeout = "1us"`}},
		"SendTimeout":               {{"well", inConfig + "SendTimeout = 600"}, {"as a text", inConfig + `SendTimeout = "600"`}, {"as odd nanoseconds", inConfig + "SendTimeout = 1500000"}, {"wrong", inConfig + "SendTimeout = -1"}},
		"ReadTimeout":               {{"well", inConfig + "ReadTimeout = 600"}, {"as nginx writes it", inConfig + `ReadTimeout = "1d"`}, {"wrong", inConfig + "ReadTimeout = []"}},
		"KeepaliveTimeout":          {{"the default", inConfig + `KeepaliveTimeout = "75s"`}, {"another", inConfig + `KeepaliveTimeout = "120s"`}, {"as a number", inConfig + "KeepaliveTimeout = 120"}, {"wrong", inConfig + `KeepaliveTimeout = "75s; root /;"`}, {"of a wrong type", inConfig + "KeepaliveTimeout = true"}},
		"ClientMaxBodySize":         {{"well", inConfig + `ClientMaxBodySize = "32m"`}, {"in capitals", inConfig + `ClientMaxBodySize = " 32M "`}, {"as bytes", inConfig + "ClientMaxBodySize = 33554432"}, {"without a limit", inConfig + `ClientMaxBodySize = "0"`}, {"wrong", inConfig + `ClientMaxBodySize = "32 MB"`}},
		"ClientBodyBufferSize":      {{"well", inConfig + `ClientBodyBufferSize = "8k"`}, {"wrong", inConfig + `ClientBodyBufferSize = "8 KiB"`}},
		"ClientHeaderBufferSize":    {{"the default", inConfig + `ClientHeaderBufferSize = "1k"`}, {"another", inConfig + `ClientHeaderBufferSize = "4k"`}, {"wrong", inConfig + "ClientHeaderBufferSize = []"}},
		"LargeClientHeaderBuffers":  {{"the default", inConfig + `LargeClientHeaderBuffers = "4 8k"`}, {"another", inConfig + `LargeClientHeaderBuffers = "8  16k"`}, {"wrong", inConfig + `LargeClientHeaderBuffers = "many"`}},
		"ClientBodyTimeout":         {{"well", inConfig + `ClientBodyTimeout = "60s"`}, {"as a number", inConfig + "ClientBodyTimeout = 60"}, {"wrong", inConfig + `ClientBodyTimeout = "60 seconds"`}},
		"UnderscoresInHeaders":      {{"the default", inConfig + "UnderscoresInHeaders = false"}, {"another", inConfig + "UnderscoresInHeaders = true"}, {"wrong", inConfig + "UnderscoresInHeaders = 2"}},
		"ServerNamesHashBucketSize": {{"well", inConfig + "ServerNamesHashBucketSize = 128"}, {"wrong", inConfig + "ServerNamesHashBucketSize = false"}},
		"UpstreamZoneSize":          {{"well", inConfig + "UpstreamZoneSize = 64"}, {"wrong", inConfig + `UpstreamZoneSize = "64k"`}},
		"SSLOpts":                   {{"empty", inConfig + `SSLOpts = ""`}, {"well", inConfig + `SSLOpts = "ssl_session_timeout 10m;"`}, {"of HAProxy", inConfig + `SSLOpts = "no-sslv3 no-tlsv10"`}},
		"SSLDefaultDHParam":         {{"well", inConfig + "SSLDefaultDHParam = 1024"}, {"wrong", inConfig + `SSLDefaultDHParam = "large"`}},
		"SSLDefaultDHParamPath":     {{"well", inConfig + `SSLDefaultDHParamPath = "/run/secrets/dhparam.pem"`}, {"wrong", inConfig + "SSLDefaultDHParamPath = 1"}},
		"SSLVerify":                 {{"the default", inConfig + `SSLVerify = "required"`}, {"none", inConfig + `SSLVerify = "none"`}, {"wrong", inConfig + "SSLVerify = true"}},
		"SSLCiphers":                {{"the default", inConfig + `SSLCiphers = "HIGH:!aNULL:!MD5"`}, {"wrong", inConfig + "SSLCiphers = [\"HIGH\"]"}},
		"SSLProtocols":              {{"the default", inConfig + `SSLProtocols = "TLSv1.2"`}, {"the newest alone", inConfig + `SSLProtocols = "TLSv1.3"`}, {"untidy", inConfig + `SSLProtocols = "tlsv1.2, tlsv1.3"`}, {"with older ones", inConfig + `SSLProtocols = "TLSv1 TLSv1.1 TLSv1.2"`}, {"wrong", inConfig + `SSLProtocols = "TLS 1.2"`}},
		"GlobalOptions":             {{"empty", inConfig + "GlobalOptions = []"}, {"well", inConfig + `GlobalOptions = ["worker_priority -5;"]`}, {"wrong", inConfig + "GlobalOptions = [true]"}},
		"HTTPOptions":               {{"well", inConfig + `HTTPOptions = ["proxy_buffer_size 8k;", "proxy_buffers 8 8k"]`}, {"as a text", inConfig + "HTTPOptions = \"\"\"\nmap $http_user_agent $robot {\n    default 0;\n    ~*bot 1;\n}\n\"\"\""}, {"what leaves its block", inConfig + `HTTPOptions = ["} server { listen 81;"]`}, {"what reads files", inConfig + `HTTPOptions = ["include /etc/passwd;"]`}, {"what cannot be printed", inConfig + `HTTPOptions = ["proxy_buffer_size\u0007 8k;"]`}, {"wrong", inConfig + "HTTPOptions = 1"}},
		"TCPOptions":                {{"empty", inConfig + "TCPOptions = []"}, {"well", inConfig + `TCPOptions = ["proxy_timeout 1h;"]`}},
		"HideInfoHeaders":           {{"the default", inConfig + "HideInfoHeaders = false"}, {"another", inConfig + "HideInfoHeaders = true"}, {"wrong", inConfig + `HideInfoHeaders = "some"`}},
		"AccessLogPath":             {{"the default", inConfig + `AccessLogPath = "/dev/stdout"`}, {"another", inConfig + `AccessLogPath = "/var/log/nginx/access.log"`}, {"wrong", inConfig + "AccessLogPath = false"}},
		"ErrorLogPath":              {{"the default", inConfig + `ErrorLogPath = "/dev/stdout"`}, {"another", inConfig + `ErrorLogPath = "/var/log/nginx/error.log"`}, {"wrong", inConfig + "ErrorLogPath = false"}},
		"MainLogFormat":             {{"well", inConfig + `MainLogFormat = "'$remote_addr - $remote_user [$time_local] \"$request\" '\n\t\t    '$status';"`}, {"wrong", inConfig + "MainLogFormat = 1"}},
		"TraceLogFormat":            {{"well", inConfig + `TraceLogFormat = "'$remote_addr $request_id';"`}, {"wrong", inConfig + "TraceLogFormat = 1"}},
		"HTTPVersion":               {{"the default", inConfig + `HTTPVersion = "1.1"`}, {"as a number", inConfig + "HTTPVersion = 1.1"}, {"another", inConfig + `HTTPVersion = "1.0"`}, {"wrong", inConfig + "HTTPVersion = {}"}},
		"IPHash":                    {{"the default", inConfig + "IPHash = false"}, {"another", inConfig + "IPHash = true"}, {"wrong", inConfig + "IPHash = [true]"}},
		"AdminUser":                 {{"empty", inConfig + `AdminUser = ""`}, {"well", inConfig + `AdminUser = "admin"`}},
		"AdminPass":                 {{"empty", inConfig + `AdminPass = ""`}, {"well, and not shown", inConfig + `AdminPass = "hunter2"`}, {"wrong", inConfig + "AdminPass = 1"}},
	})
}
