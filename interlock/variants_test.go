package interlock_test

import "github.com/wharfinger/wharfinger/interlock"

// variants are the ways to write each label, by its name behind com.docker.lb.
var variants = map[string][]variant{
	"hosts": {
		{what: "as documented", services: []interlock.Service{demo("hosts=example.com, test.com")}},
		{what: "untidy", services: []interlock.Service{demo("hosts= Demo.Local ;\thttp://www.demo.local:80/ , demo.local,*.demo.local,.demo.org,,")}},
		{what: "one is wrong", services: []interlock.Service{demo("hosts=demo.local,demo..local,demo.local/app,bücher.example")}},
		{what: "all are wrong", services: []interlock.Service{demo("hosts=:8080")}},
		{what: "empty", services: []interlock.Service{demo("hosts=")}},
		{what: "missing", services: []interlock.Service{service("demo", "port=8080")}},
		{what: "a slip of the hand", services: []interlock.Service{service("demo", "host=demo.local", "port=8080")}},
		{what: "another", services: []interlock.Service{service("demo", "com.docker.lb.Hosts=demo.local", "com.docker.ib.hosts=demo.local", "port=8080", "weight=3", "context-root=/app")}},
		{what: "twice", services: []interlock.Service{service("demo", "com.docker.lb.HOSTS=old.local", "hosts=demo.local", "port=8080")}},
		{what: "shared: by number of tasks", services: []interlock.Service{demo(), service("demo-v2", "hosts=demo.local,v2.local", "port=80")}},
	},
	"port": {
		{what: "as documented", services: []interlock.Service{demo()}},
		{what: "untidy", services: []interlock.Service{demo(`port= "8080/tcp" `)}},
		{what: "published on nodes", services: []interlock.Service{publishing(demo(), interlock.Port{Target: 8080, Host: true})}},
		{what: "published on nodes, proxy in the host's network", repo: inHost, services: []interlock.Service{publishing(demo(), interlock.Port{Target: 8080, Host: true})}},
		{what: "not published on nodes, proxy in the host's network", repo: inHost, services: []interlock.Service{publishing(demo(), interlock.Port{Target: 8080})}},
		{what: "nowhere to be reached", services: []interlock.Service{on(publishing(demo(), interlock.Port{Target: 80, Host: true}))}},
		{what: "not a port", services: []interlock.Service{demo("port=eighty"), demoNext("port=0"), service("third", "hosts=third.local", "port=8080,8443")}},
		{what: "missing, one published", services: []interlock.Service{publishing(service("demo", "hosts=demo.local"), interlock.Port{Target: 80}, interlock.Port{Target: 80, Host: true})}},
		{what: "missing, several published", services: []interlock.Service{publishing(service("demo", "hosts=demo.local"), interlock.Port{Target: 80}, interlock.Port{Target: 443})}},
		{what: "missing, none published", services: []interlock.Service{service("demo", "hosts=demo.local", "port=")}},
	},
	"network": {
		{what: "as documented", services: []interlock.Service{on(demo("network=apps"), "apps", "db")}},
		{what: "without the stack's name", services: []interlock.Service{on(inStack(demo("network=apps")), "shop_apps", "shop_db")}},
		{what: "with a stack's name that it does not have", services: []interlock.Service{on(inStack(demo("network=shop_apps")), "apps", "shop_db")}},
		{what: "untidy", services: []interlock.Service{on(demo("network= APPS "), "apps", "db")}},
		{what: "none, on one alone", services: []interlock.Service{demo()}},
		{what: "none, on several", services: []interlock.Service{on(demo(), "apps", "db"), demoNext()}},
		{what: "one that it is not on", services: []interlock.Service{demo("network=web"), demoNext()}},
		{what: "on none at all", services: []interlock.Service{on(demo("network=web")), on(demoNext())}},
		{what: "the port is published on nodes, too", services: []interlock.Service{publishing(demo("network=apps"), interlock.Port{Target: 8080, Host: true})}},
		{what: "the port is published on nodes, too, proxy in the host's network", repo: inHost, services: []interlock.Service{publishing(demo("network=apps"), interlock.Port{Target: 8080, Host: true})}},
	},
	"context_root": {
		{what: "as documented", services: []interlock.Service{demo("context_root=/app")}},
		{what: "several on one host", services: []interlock.Service{demo("context_root=/app"), service("shop", "hosts=demo.local", "port=80", "context_root=/shop"), service("www", "hosts=demo.local", "port=80")}},
		{what: "several of one service", services: []interlock.Service{demo("context_root=/app,/admin;/")}},
		{what: "untidy", services: []interlock.Service{demo("context_root= app/* ")}},
		{what: "with nginx's marks", services: []interlock.Service{demo("context_root=~ ^/items/[0-9]{1,3}$")}},
		{what: "wrong", services: []interlock.Service{demo("context_root=/a/../b"), service("next", "hosts=next.local", "port=80", "context_root=/a b,/c")}},
		{what: "empty", services: []interlock.Service{demo("context_root=")}},
	},
	"context_root_rewrite": {
		{what: "as documented", services: []interlock.Service{demo("context_root=/app", "context_root_rewrite=true")}},
		{what: "several", services: []interlock.Service{demo("context_root=/app,/admin", "context_root_rewrite=TRUE")}},
		{what: "without a context root", services: []interlock.Service{demo("context_root_rewrite=true")}},
		{what: "no", services: []interlock.Service{demo("context_root=/app", "context_root_rewrite=False")}},
		{what: "neither", services: []interlock.Service{demo("context_root=/app", "context_root_rewrite=rewrite")}},
		{what: "no value", services: []interlock.Service{demo("context_root=/app", "context_root_rewrite=")}},
		{what: "the repository has the path without a slash", repo: published + "routes: {app: {hosts: [demo.local], paths: [\"= /app\"], respond: 404}}\n",
			services: []interlock.Service{demo("context_root=/app", "context_root_rewrite=true")}},
		{what: "of a regular expression", services: []interlock.Service{demo("context_root=~ ^/app", "context_root_rewrite=true")}},
		{what: "of one of two that share a path", services: []interlock.Service{demo("context_root=/app", "context_root_rewrite=true"), service("next", "hosts=demo.local,next.local", "port=80", "context_root=/app")}},
	},
	"ssl_cert": {
		{what: "as documented", secrets: []string{"demo.local.cert", "demo.local.key"}, services: []interlock.Service{demo("ssl_cert=demo.local.cert", "ssl_key=demo.local.key")}},
		{what: "without the stack's name", secrets: []string{"shop_demo.cert", "shop_demo.key"}, services: []interlock.Service{inStack(demo("ssl_cert=demo.cert", "ssl_key=demo.key"))}},
		{what: "the key in the same secret", services: []interlock.Service{demo("ssl_cert=demo.pem")}},
		{what: "two on one host", services: []interlock.Service{demo("ssl_cert=demo.cert", "ssl_key=demo.key"), service("next", "hosts=demo.local,next.local", "port=80", "context_root=/next", "ssl_cert=next.cert", "ssl_key=next.key")}},
		{what: "one for two services of a host", services: []interlock.Service{demo("ssl_cert=demo.cert", "ssl_key=demo.key"), service("next", "hosts=demo.local", "port=80")}},
		{what: "what a secret holds", services: []interlock.Service{demo("ssl_cert=-----BEGIN CERTIFICATE-----\nMIIB", "ssl_key=demo.key"), demoNext()}},
		{what: "defaults that ask for clients' certificates", repo: `proxies: {mesh: {image: "nginx:1.30", network: published, labels: interlock, defaults: {tls: {cert: any.cert, key: any.key, clients: staff}}}}`,
			services: []interlock.Service{demo("ssl_cert=demo.cert", "ssl_key=demo.key"), demoNext()}},
		{what: "the repository has another", repo: published + `
pools: {www: {service: www, port: 80}}
routes: {www: {hosts: [demo.local], paths: [/www], tls: {cert: www.cert, key: www.key}, pool: www}}`,
			services: []interlock.Service{demo("ssl_cert=demo.cert", "ssl_key=demo.key", "hosts=demo.local,demo.org")}},
	},
	"ssl_key": {
		{what: "alone", services: []interlock.Service{demo("ssl_key=demo.key"), demoNext()}},
		{what: "empty", services: []interlock.Service{demo("ssl_cert=demo.cert", "ssl_key=")}},
		{what: "no name", services: []interlock.Service{demo("ssl_cert=demo.cert", "ssl_key=/etc/ssl/demo.key"), demoNext()}},
	},
	"ssl_only": {
		{what: "as documented once", services: []interlock.Service{demo("ssl_cert=demo.cert", "ssl_key=demo.key", "ssl_only=true")}},
		{what: "with TLS handed on", services: []interlock.Service{demo("ssl_passthrough=true", "ssl_only=1")}},
		{what: "without a certificate", services: []interlock.Service{demo("ssl_only=true")}},
	},
	"ssl_passthrough": {
		{what: "as documented", services: []interlock.Service{demo("ssl_passthrough=true", "port=8443")}},
		{what: "untidy", services: []interlock.Service{demo("ssl_passthrough= Yes ", "ip_hash=true")}},
		{what: "no", services: []interlock.Service{demo("ssl_passthrough=false")}},
		{what: "with what it leaves no room for", services: []interlock.Service{demo("ssl_passthrough=true", "ssl_cert=demo.cert", "ssl_key=demo.key", "context_root=/app", "context_root_rewrite=true", "sticky_session_cookie=session", "ssl_backend=true")}},
		{what: "several overlays", services: []interlock.Service{on(demo("ssl_passthrough=true"), "apps", "db"), demoNext()}},
		{what: "shared", services: []interlock.Service{demo("ssl_passthrough=true"), service("next", "hosts=demo.local", "port=443", "ssl_passthrough=true")}},
		{what: "of a host that is opened", services: []interlock.Service{demo("ssl_cert=demo.cert", "ssl_key=demo.key"), service("next", "hosts=demo.local,next.local", "port=443", "ssl_passthrough=true")}},
		{what: "of a host that another one would open", services: []interlock.Service{demo("ssl_passthrough=true"), service("next", "hosts=demo.local,next.local", "port=443", "ssl_cert=demo.cert", "ssl_key=demo.key")}},
		{what: "of unknown hosts", services: []interlock.Service{demo("ssl_passthrough=true", "default_backend=true")}},
		{what: "of a host that the repository opens", repo: published + `
pools: {www: {service: www, port: 80}}
routes: {www: {hosts: [demo.local], tls: {cert: www.cert, key: www.key}, pool: www}, files: {hosts: [files.local], passthrough: true, pool: www}}`,
			services: []interlock.Service{demo("ssl_passthrough=true"), service("files", "hosts=files.local", "port=80", "ssl_cert=f.cert", "ssl_key=f.key")}},
		{what: "where the proxy takes clients' addresses from another one", repo: `
proxies: {mesh: {image: "nginx:1.30", network: published, labels: interlock, trusted: [10.0.0.0/8]}}
pools: {www: {service: www, port: 80}}
routes: {www: {hosts: [www.local], tls: {cert: www.cert, key: www.key}, pool: www}}`,
			services: []interlock.Service{demo("ssl_passthrough=true"), demoNext()}},
	},
	"ssl_backend": {
		{what: "as documented", services: []interlock.Service{demo("ssl_backend=true", "port=8443")}},
		{what: "no", services: []interlock.Service{demo("ssl_backend=0")}},
		{what: "of one of two that share a host", services: []interlock.Service{demo("ssl_backend=true"), service("next", "hosts=demo.local", "port=80")}},
		{what: "of the other", services: []interlock.Service{demo(), service("next", "hosts=demo.local", "port=80", "ssl_backend=true")}},
	},
	"ssl_backend_tls_verify": {
		{what: "as documented", services: []interlock.Service{demo("ssl_backend=true", "ssl_backend_tls_verify=none")}},
		{what: "what no label can ask for", services: []interlock.Service{demo("ssl_backend=true", "ssl_backend_tls_verify=required"), demoNext()}},
		{what: "without TLS", services: []interlock.Service{demo("ssl_backend_tls_verify=required")}},
	},
	"websocket_endpoints": {
		{what: "as documented", services: []interlock.Service{demo("websocket_endpoints=/ws,/foo")}},
		{what: "anything", services: []interlock.Service{demo("websocket_endpoints=ws; ")}},
	},
	"service_cluster": {
		{what: "none, and a proxy for none", services: []interlock.Service{demo()}},
		{what: "two clusters", repo: clusters, services: []interlock.Service{
			service("east", "hosts=demo.local", "port=80", "service_cluster=us-east"), service("west", "hosts=demo.local", "port=80", "service_cluster= US-West ")}},
		{what: "one that no proxy reads", repo: clusters, services: []interlock.Service{demo("service_cluster=eu")}},
		{what: "none, where every proxy reads one", repo: clusters, services: []interlock.Service{demo()}},
		{what: "one, where no proxy reads any", services: []interlock.Service{demo("service_cluster=us-east")}},
		{what: "alone", services: []interlock.Service{service("demo", "service_cluster=us-east")}},
		{what: "two proxies for one", repo: "proxies: {a: {image: \"nginx:1.30\", network: published, labels: interlock}, b: {image: \"nginx:1.30\", labels: interlock, listen: {http: 81}, status: {port: 82}}}\n",
			services: []interlock.Service{demo(), publishing(demoNext(), interlock.Port{Target: 80, Host: true})}},
	},
	"sticky_session_cookie": {
		{what: "as documented", services: []interlock.Service{demo("sticky_session_cookie=session")}},
		{what: "none", services: []interlock.Service{demo("sticky_session_cookie=none")}},
		{what: "no cookie's name", services: []interlock.Service{demo("sticky_session_cookie=my session")}},
		{what: "of one of two that share a host", services: []interlock.Service{demo(), service("next", "hosts=demo.local", "port=80", "sticky_session_cookie=session")}},
		{what: "two that share a host", services: []interlock.Service{demo("sticky_session_cookie=a"), service("next", "hosts=demo.local,next.local", "port=80", "sticky_session_cookie=b")}},
		{what: "behind a virtual IP", services: []interlock.Service{demo("sticky_session_cookie=session", "backend_mode=vip")}},
	},
	"ip_hash": {
		{what: "as documented", services: []interlock.Service{demo("ip_hash=true")}},
		{what: "with a cookie", services: []interlock.Service{demo("ip_hash=true", "sticky_session_cookie=session")}},
		{what: "no value", services: []interlock.Service{demo("ip_hash=")}},
		{what: "neither true nor false", services: []interlock.Service{demo("ip_hash=$host")}},
	},
	"redirects": {
		{what: "as documented", services: []interlock.Service{demo("hosts=old.local,new.local", "redirects=http://old.local,http://new.local;")}},
		{what: "several, untidy", services: []interlock.Service{demo("redirects= http://A.local/ , http://demo.local/ ;\n b.local , demo.local;;https://c.local:443,https://demo.local:8443/shop/;")}},
		{what: "of a path", services: []interlock.Service{demo("redirects=http://demo.local/old.d,http://demo.local/new;http://demo.local/moved,http://www.local;http://demo.local/x,https://demo.local/x;http://demo.local/y,http://demo.local/y/z")}},
		{what: "to TLS", services: []interlock.Service{demo("ssl_cert=demo.cert", "ssl_key=demo.key", "redirects=http://demo.local,https://demo.local")}},
		{what: "to TLS on a port", repo: `proxies: {mesh: {image: "nginx:1.30", network: published, labels: interlock, listen: {https: 8443}}}`,
			services: []interlock.Service{demo("ssl_cert=demo.cert", "ssl_key=demo.key", "redirects=http://demo.local,https://demo.local:8443"), demoNext("ssl_cert=next.cert", "ssl_key=next.key", "redirects=http://next.local,https://next.local:9443")}},
		{what: "to TLS that is handed on", services: []interlock.Service{demo("ssl_passthrough=true", "redirects=http://demo.local,https://demo.local")}},
		{what: "to TLS that is not there", services: []interlock.Service{demo("redirects=http://demo.local,https://demo.local")}},
		{what: "to TLS of another service", services: []interlock.Service{demo("ssl_cert=demo.cert", "ssl_key=demo.key"), service("next", "hosts=demo.local", "port=80", "context_root=/next", "redirects=http://demo.local,https://demo.local")}},
		{what: "to TLS of the repository", repo: published + `
pools: {www: {service: www, port: 80}}
routes:
  www: {hosts: [demo.local], paths: [/www], tls: {cert: www.cert, key: www.key}, pool: www}
  files: {hosts: [files.local], paths: [/www], tls: {cert: www.cert, key: www.key, plain: serve}, pool: www}`,
			services: []interlock.Service{demo("redirects=http://demo.local,https://demo.local"), service("files", "hosts=files.local", "port=80", "redirects=http://files.local,https://files.local")}},
		{what: "to TLS that the proxy has by default", repo: `proxies: {mesh: {image: "nginx:1.30", network: published, labels: interlock, defaults: {tls: {cert: any.cert, key: any.key}}}}`,
			services: []interlock.Service{demo("redirects=http://demo.local,https://demo.local")}},
		{what: "to TLS that the proxy has by default beside plain HTTP", repo: `proxies: {mesh: {image: "nginx:1.30", network: published, labels: interlock, defaults: {tls: {cert: any.cert, key: any.key, plain: serve}}}}`,
			services: []interlock.Service{demo("redirects=http://demo.local,https://demo.local")}},
		{what: "wrong", services: []interlock.Service{demo("redirects=http://old.local;http://a.local,http://b.local,http://c.local;http://a.local,ftp://b.local;http://a.local,http://a.local;a.local,http:///;http://a.local,http://b.local:x;http://a.local,http://b.local/$host;http://d.local,http://d.local/d;http://e_!.local,http://e.local")}},
		{what: "one host twice", services: []interlock.Service{demo("redirects=http://old.local,http://demo.local"), demoNext("redirects=http://old.local,http://next.local")}},
		{what: "a host that another service has, too", services: []interlock.Service{demo("hosts=demo.local,old.local", "redirects=http://old.local,http://demo.local"), demoNext("hosts=old.local,next.local")}},
		{what: "a host of another service", services: []interlock.Service{demo("redirects=http://next.local,http://demo.local"), demoNext("hosts=next.local,next.org")}},
		{what: "none", services: []interlock.Service{demo("redirects=none")}},
	},
	"backend_mode": {
		{what: "as documented", services: []interlock.Service{demo("backend_mode=vip")}},
		{what: "untidy", services: []interlock.Service{demo("backend_mode= Task")}},
		{what: "another", services: []interlock.Service{demo("backend_mode=dnsrr"), demoNext()}},
		{what: "virtual IP, proxy in the host's network", repo: inHost, services: []interlock.Service{publishing(demo("backend_mode=vip"), interlock.Port{Target: 8080, Host: true})}},
	},
	"default_backend": {
		{what: "as documented", services: []interlock.Service{service("demo", "default_backend=true", "port=8080")}},
		{what: "with hosts and a certificate", services: []interlock.Service{demo("default_backend=true", "ssl_cert=demo.cert", "ssl_key=demo.key")}},
		{what: "two", services: []interlock.Service{demo("default_backend=true"), demoNext("default_backend=true")}},
		{what: "no", services: []interlock.Service{service("demo", "default_backend=false", "port=8080")}},
		{what: "a slip of the hand", services: []interlock.Service{service("demo", "defaul_backend=true", "port=8080")}},
		{what: "the repository has one", repo: published + "routes: {rest: {hosts: [\"*\"], respond: 404}}\n", services: []interlock.Service{demo("default_backend=true")}},
	},
	"max_fails": {
		{what: "as documented", services: []interlock.Service{demo("max_fails=3", "fail_timeout=10s")}},
		{what: "never", services: []interlock.Service{demo("max_fails=0")}},
		{what: "wrong", services: []interlock.Service{demo("max_fails=few")}},
		{what: "two that share a host", services: []interlock.Service{demo("max_fails=3"), service("next", "hosts=demo.local", "port=80", "max_fails=5")}},
	},
	"fail_timeout": {
		{what: "as documented", services: []interlock.Service{demo("fail_timeout=30s")}},
		{what: "untidy", services: []interlock.Service{demo("fail_timeout= 1M 30 ")}},
		{what: "a bare number", services: []interlock.Service{demo("fail_timeout=30")}},
		{what: "wrong", services: []interlock.Service{demo("fail_timeout=soon"), demoNext("fail_timeout=500ms")}},
	},
	"com.docker.ucp.mesh.http": {
		{what: "as documented", services: []interlock.Service{hrm("external_route=http://demo.local,internal_port=8080")}},
		{what: "numbered", services: []interlock.Service{service("demo", "com.docker.ucp.mesh.http.80=external_route=http://demo.local,internal_port=80", "com.docker.ucp.mesh.http.8443=external_route=sni://demo.local,internal_port=8443")}},
		{what: "as UCP 2.0 had it", services: []interlock.Service{hrm("8080=http://demo.local"), publishing(service("next", "com.docker.ucp.mesh.http=http://next.local"), interlock.Port{Target: 80})}},
		{what: "untidy", services: []interlock.Service{hrm(` "external-route=http://Demo.Local/" , "internal_port = 8080" ;`)}},
		{what: "two in one", services: []interlock.Service{hrm(`external_route=http://a.local,internal_port=80,external_route=http://b.local,internal_port=81`)}},
		{what: "wrong", services: []interlock.Service{hrm("internal_port=80"), service("next", "com.docker.ucp.mesh.http=extrenal_route=http://next.local,internal_port=80"), service("third", "com.docker.ucp.mesh.http=")}},
		{what: "with a key of something else", services: []interlock.Service{hrm("external_route=http://demo.local,internal_port=80,load_balancing=least_conn")}},
		{what: "on the mesh's own network", services: []interlock.Service{on(hrm("external_route=http://demo.local,internal_port=8080"), "db", "ucp-hrm")}},
		{what: "beside Interlock's labels", services: []interlock.Service{demo("com.docker.ucp.mesh.http.1=external_route=http://demo.local,internal_port=8080", "com.docker.ucp.mesh.http.2=external_route=http://old.local,internal_port=8080")}},
		{what: "shared with Interlock's labels", services: []interlock.Service{demo(), service("older", "com.docker.ucp.mesh.http=external_route=http://demo.local,internal_port=80")}},
	},
	"external_route": {
		{what: "unknown hosts", services: []interlock.Service{hrm("external_route=http://,internal_port=8080")}},
		{what: "TLS of unknown hosts", services: []interlock.Service{hrm("external_route=sni://,internal_port=8080")}},
		{what: "TLS", services: []interlock.Service{hrm("external_route=sni://demo.local,internal_port=8443")}},
		{what: "by another word", services: []interlock.Service{hrm("external_route=https://demo.local,internal_port=8443")}},
		{what: "with a path", services: []interlock.Service{hrm("external_route=http://demo.local/app,internal_port=8080")}},
		{what: "wrong", services: []interlock.Service{hrm("external_route=tcp://demo.local,internal_port=80"), service("next", "com.docker.ucp.mesh.http=external_route=http://next..local,internal_port=80")}},
	},
	"internal_port": {
		{what: "left out, one published", services: []interlock.Service{publishing(hrm("external_route=http://demo.local"), interlock.Port{Target: 80})}},
		{what: "wrong", services: []interlock.Service{hrm("external_route=http://demo.local,internal_port=http")}},
		{what: "left out, several published", services: []interlock.Service{publishing(hrm("external_route=http://demo.local"), interlock.Port{Target: 80}, interlock.Port{Target: 81})}},
		{what: "left out, none published", services: []interlock.Service{hrm("external_route=http://demo.local")}},
	},
	"sticky_sessions": {
		{what: "as documented", services: []interlock.Service{hrm("external_route=http://demo.local,internal_port=80,sticky_sessions=session")}},
		{what: "with TLS", services: []interlock.Service{hrm("external_route=sni://demo.local,internal_port=80,sticky_sessions=session")}},
	},
	"redirect": {
		{what: "to another host", services: []interlock.Service{service("demo", "com.docker.ucp.mesh.http.1=external_route=http://old.local,redirect=http://demo.local", "com.docker.ucp.mesh.http.2=external_route=http://demo.local,internal_port=80")}},
		{what: "to TLS", services: []interlock.Service{service("demo", "com.docker.ucp.mesh.http.1=external_route=http://demo.local,redirect=https://demo.local", "com.docker.ucp.mesh.http.2=external_route=sni://demo.local,internal_port=443")}},
		{what: "of TLS", services: []interlock.Service{hrm("external_route=sni://demo.local,redirect=http://demo.local")}},
	},
	"include_forwarded_for": {
		{what: "as documented", services: []interlock.Service{hrm("external_route=http://demo.local,internal_port=80,include_forwarded_for=true")}},
		{what: "no", services: []interlock.Service{hrm("external_route=http://demo.local,internal_port=80,include_forwarded_for=false")}},
	},
}

const clusters = "proxies: {east: {image: \"nginx:1.30\", network: published, constraints: [node.labels.zone == east], labels: {read: interlock, cluster: us-east}}, west: {image: \"nginx:1.30\", network: published, constraints: [node.labels.zone == west], labels: {read: interlock, cluster: us-west}}}\n"

// demoNext is another service that lacks nothing.
func demoNext(labels ...string) interlock.Service {
	return service("next", append([]string{"hosts=next.local", "port=80"}, labels...)...)
}

// hrm is a service of the HTTP routing mesh.
func hrm(value string) interlock.Service {
	return service("demo", "com.docker.ucp.mesh.http="+value)
}
