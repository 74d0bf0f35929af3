package directive

import (
	"maps"
	"slices"
	"strings"
)

// Block is a kind of block, as far as it matters for what may stand in it.
type Block string

// The kinds of blocks.
const (
	// Main is nginx.conf outside all blocks.
	Main Block = "main"
	// Events is events.
	Events Block = "events"
	// HTTP is http.
	HTTP Block = "http"
	// Server is a server of http.
	Server Block = "server"
	// Location is location, and the if and limit_except in it, which nginx itself
	// looks into.
	Location Block = "location"
	// Upstream is upstream, of http or stream.
	Upstream Block = "upstream"
	// Stream is stream and its server.
	Stream Block = "stream"
	// Entries is map, geo, split_clients and types: what stands in them is data,
	// and not directives.
	Entries Block = "entries"
)

// rule is what the list says of a directive.
type rule struct {
	opens Block // what its block is; none if it has none
	check func(args []string) (text, hint string)
}

// plain are the directives that may stand in a kind of block, whatever their
// arguments. A name that is not here, not below and not in checked is refused:
// what nginx learns tomorrow is refused until somebody has looked at it.
var plain = map[Block]string{
	Main: `
		pcre_jit quic_bpf ssl_object_cache_inheritable thread_pool timer_resolution
		worker_cpu_affinity worker_priority worker_processes worker_rlimit_nofile worker_shutdown_timeout`,
	Events: `
		accept_mutex accept_mutex_delay multi_accept use worker_aio_requests worker_connections`,
	Upstream: `
		hash ip_hash keepalive keepalive_requests keepalive_time keepalive_timeout least_conn random
		resolver resolver_timeout sticky zone`,
	HTTP: `
		absolute_redirect chunked_transfer_encoding client_body_buffer_size client_body_in_single_buffer
		client_body_timeout client_header_buffer_size client_header_timeout client_max_body_size
		connection_pool_size default_type early_hints error_page etag if_modified_since ignore_invalid_headers
		internal keepalive_disable keepalive_min_timeout keepalive_requests keepalive_time
		keepalive_timeout large_client_header_buffers limit_rate limit_rate_after lingering_close
		lingering_time lingering_timeout log_not_found log_subrequest max_headers max_ranges
		merge_slashes msie_padding msie_refresh output_buffers port_in_redirect postpone_output
		recursive_error_pages request_pool_size reset_timedout_connection resolver resolver_timeout
		satisfy send_timeout sendfile sendfile_max_chunk server_name server_name_in_redirect
		server_names_hash_bucket_size server_names_hash_max_size server_tokens
		subrequest_output_buffer_size tcp_nodelay tcp_nopush try_files types_hash_bucket_size
		types_hash_max_size underscores_in_headers variables_hash_bucket_size variables_hash_max_size

		allow deny auth_basic auth_delay auth_request auth_request_set
		set_real_ip_from real_ip_header real_ip_recursive
		limit_conn limit_conn_dry_run limit_conn_log_level limit_conn_status limit_conn_zone
		limit_req limit_req_dry_run limit_req_log_level limit_req_status limit_req_zone
		valid_referers referer_hash_bucket_size referer_hash_max_size
		secure_link secure_link_md5 secure_link_secret

		add_header add_header_inherit add_trailer add_trailer_inherit expires charset charset_types override_charset source_charset
		gunzip gunzip_buffers gzip gzip_buffers gzip_comp_level gzip_disable gzip_http_version
		gzip_min_length gzip_proxied gzip_types gzip_vary
		sub_filter sub_filter_last_modified sub_filter_once sub_filter_types slice
		break return rewrite rewrite_log set uninitialized_variable_warn
		log_format map_hash_bucket_size map_hash_max_size mirror mirror_request_body stub_status
		userid userid_domain userid_expires userid_flags userid_mark userid_name userid_p3p userid_path userid_service

		http2 http2_body_preread_size http2_chunk_size http2_max_concurrent_streams http2_recv_buffer_size
		http3 http3_max_concurrent_streams http3_stream_buffer_size
		quic_active_connection_id_limit quic_gso quic_retry

		ssl_buffer_size ssl_certificate_cache ssl_certificate_compression ssl_ciphers ssl_early_data
		ssl_ecdh_curve ssl_ocsp ssl_ocsp_cache ssl_prefer_server_ciphers ssl_protocols
		ssl_reject_handshake ssl_session_cache ssl_session_tickets ssl_session_timeout ssl_stapling
		ssl_stapling_verify ssl_verify_client ssl_verify_depth

		proxy_buffer_size proxy_buffering proxy_buffers proxy_busy_buffers_size proxy_cache
		proxy_cache_background_update proxy_cache_bypass proxy_cache_convert_head proxy_cache_key
		proxy_cache_lock proxy_cache_lock_age proxy_cache_lock_timeout proxy_cache_max_range_offset
		proxy_cache_methods proxy_cache_min_uses proxy_cache_revalidate proxy_cache_use_stale
		proxy_cache_valid proxy_connect_timeout proxy_cookie_domain proxy_cookie_flags proxy_cookie_path
		proxy_force_ranges proxy_headers_hash_bucket_size proxy_headers_hash_max_size proxy_hide_header
		proxy_http_version proxy_ignore_client_abort proxy_ignore_headers proxy_intercept_errors
		proxy_limit_rate proxy_max_temp_file_size proxy_method proxy_next_upstream
		proxy_next_upstream_timeout proxy_next_upstream_tries proxy_no_cache proxy_pass_header
		proxy_pass_request_body proxy_pass_request_headers proxy_pass_trailers proxy_read_timeout
		proxy_redirect proxy_request_buffering proxy_send_timeout proxy_set_body proxy_set_header
		proxy_socket_keepalive proxy_ssl_certificate_cache proxy_ssl_ciphers proxy_ssl_name
		proxy_ssl_protocols proxy_ssl_server_name proxy_ssl_session_reuse proxy_ssl_verify
		proxy_ssl_verify_depth proxy_temp_file_write_size

		grpc_buffer_size grpc_connect_timeout grpc_hide_header grpc_ignore_headers grpc_intercept_errors
		grpc_next_upstream grpc_next_upstream_timeout grpc_next_upstream_tries grpc_pass_header
		grpc_read_timeout grpc_send_timeout grpc_set_header grpc_socket_keepalive
		grpc_ssl_certificate_cache grpc_ssl_ciphers grpc_ssl_name grpc_ssl_protocols
		grpc_ssl_server_name grpc_ssl_session_reuse grpc_ssl_verify grpc_ssl_verify_depth`,
	Stream: `
		allow deny limit_conn limit_conn_dry_run limit_conn_log_level limit_conn_zone
		log_format map_hash_bucket_size map_hash_max_size preread_buffer_size preread_timeout
		proxy_buffer_size proxy_connect_timeout proxy_download_rate proxy_half_close
		proxy_next_upstream proxy_next_upstream_timeout proxy_next_upstream_tries proxy_protocol
		proxy_protocol_timeout proxy_requests proxy_responses proxy_socket_keepalive proxy_timeout
		proxy_upload_rate resolver resolver_timeout return server_name server_names_hash_bucket_size
		server_names_hash_max_size set set_real_ip_from tcp_nodelay variables_hash_bucket_size
		variables_hash_max_size

		proxy_ssl proxy_ssl_certificate_cache proxy_ssl_ciphers proxy_ssl_name proxy_ssl_protocols
		proxy_ssl_server_name proxy_ssl_session_reuse proxy_ssl_verify proxy_ssl_verify_depth

		ssl_alpn ssl_certificate_cache ssl_certificate_compression ssl_ciphers ssl_ecdh_curve
		ssl_handshake_timeout ssl_ocsp ssl_ocsp_cache ssl_prefer_server_ciphers ssl_preread
		ssl_protocols ssl_reject_handshake ssl_session_cache ssl_session_tickets ssl_session_timeout
		ssl_stapling ssl_stapling_verify ssl_verify_client ssl_verify_depth`,
}

// opening are the directives that open blocks, and of which kind.
var opening = map[Block]map[string]Block{
	Main: {"events": Events, "http": HTTP, "stream": Stream},
	HTTP: {
		"server": Server, "location": Location, "if": Location, "limit_except": Location, "upstream": Upstream,
		"map": Entries, "geo": Entries, "split_clients": Entries, "types": Entries,
	},
	Stream: {"server": Stream, "upstream": Upstream, "map": Entries, "geo": Entries, "split_clients": Entries},
}

// family says under which block a directive of another is listed.
func family(b Block) Block {
	if b == Server || b == Location {
		return HTTP
	}
	return b
}

// elsewhere are the directives of http that nginx does not take in one of its
// blocks. It says so itself; but who writes a snippet shall be told where it
// stands.
var elsewhere = map[Block][]string{
	HTTP: strings.Fields(`
		break grpc_pass if internal limit_except listen location proxy_pass referer_hash_bucket_size
		referer_hash_max_size return rewrite server_name set stub_status try_files valid_referers`),
	Server: strings.Fields(`
		geo grpc_pass http2_recv_buffer_size internal limit_conn_zone limit_except limit_req_zone log_format
		map map_hash_bucket_size map_hash_max_size proxy_cache_path proxy_pass server
		server_names_hash_bucket_size server_names_hash_max_size split_clients upstream
		variables_hash_bucket_size variables_hash_max_size`),
	Location: strings.Fields(`
		client_header_buffer_size client_header_timeout connection_pool_size geo http2
		http2_body_preread_size http2_max_concurrent_streams http2_recv_buffer_size http3
		http3_max_concurrent_streams http3_stream_buffer_size ignore_invalid_headers
		large_client_header_buffers limit_conn_zone limit_req_zone listen log_format map
		map_hash_bucket_size map_hash_max_size max_headers merge_slashes proxy_cache_path
		quic_active_connection_id_limit quic_gso quic_host_key quic_retry request_pool_size server
		server_name server_names_hash_bucket_size server_names_hash_max_size split_clients
		ssl_buffer_size ssl_certificate ssl_certificate_cache ssl_certificate_compression
		ssl_certificate_key ssl_ciphers ssl_client_certificate ssl_conf_command ssl_crl ssl_dhparam
		ssl_early_data ssl_ecdh_curve ssl_ech_file ssl_ocsp ssl_ocsp_cache ssl_password_file
		ssl_prefer_server_ciphers ssl_protocols ssl_reject_handshake ssl_session_cache
		ssl_session_ticket_key ssl_session_tickets ssl_session_timeout ssl_stapling ssl_stapling_file
		ssl_stapling_verify ssl_trusted_certificate ssl_verify_client ssl_verify_depth
		underscores_in_headers upstream variables_hash_bucket_size variables_hash_max_size`),
}

// places says in words which blocks take a directive of http.
func places(name string) string {
	var takes []string
	for _, b := range []Block{HTTP, Server, Location} {
		if !slices.Contains(elsewhere[b], name) {
			takes = append(takes, string(b))
		}
	}
	return strings.Join(takes, " and ")
}

// checked are the directives whose arguments could reach files or other hosts.
// Those that proxy and those that include are looked at by the checker, for they
// need more than their arguments.
var checked = map[Block]map[string]func(args []string) (text, hint string){
	Main: {"error_log": errorLog},
	HTTP: {
		"access_log": accessLog, "error_log": errorLog, "root": root, "if": condition, "listen": socket,
		"client_body_temp_path": temporary, "fastcgi_temp_path": temporary, "proxy_cache_path": temporary,
		"proxy_temp_path": temporary, "scgi_temp_path": temporary, "uwsgi_temp_path": temporary,
		"auth_basic_user_file": secret, "quic_host_key": secret,
		"ssl_certificate": secret, "ssl_certificate_key": secret, "ssl_client_certificate": secret,
		"ssl_conf_command": tlsCommand, "ssl_crl": secret, "ssl_dhparam": secret, "ssl_ech_file": secret, "ssl_password_file": secret,
		"ssl_session_ticket_key": secret, "ssl_stapling_file": secret, "ssl_trusted_certificate": authorities,
		"proxy_ssl_certificate": secret, "proxy_ssl_certificate_key": secret, "proxy_ssl_conf_command": tlsCommand,
		"proxy_ssl_crl": secret, "proxy_ssl_password_file": secret, "proxy_ssl_trusted_certificate": authorities,
		"grpc_ssl_certificate": secret, "grpc_ssl_certificate_key": secret, "grpc_ssl_conf_command": tlsCommand,
		"grpc_ssl_crl": secret, "grpc_ssl_password_file": secret, "grpc_ssl_trusted_certificate": authorities,
	},
	Upstream: {"server": socket},
	Stream: {
		"access_log": accessLog, "error_log": errorLog, "listen": socket,
		"ssl_certificate": secret, "ssl_certificate_key": secret, "ssl_client_certificate": secret,
		"ssl_conf_command": tlsCommand, "ssl_crl": secret, "ssl_dhparam": secret, "ssl_ech_file": secret, "ssl_password_file": secret,
		"ssl_session_ticket_key": secret, "ssl_stapling_file": secret, "ssl_trusted_certificate": authorities,
		"proxy_ssl_certificate": secret, "proxy_ssl_certificate_key": secret, "proxy_ssl_conf_command": tlsCommand,
		"proxy_ssl_crl": secret, "proxy_ssl_password_file": secret, "proxy_ssl_trusted_certificate": authorities,
	},
}

// passing are the directives that proxy, with the schemes that each knows; ""
// stands for an address without any.
var passing = map[Block]map[string][]string{
	HTTP:   {"proxy_pass": {"http://", "https://"}, "grpc_pass": {"grpc://", "grpcs://", ""}},
	Stream: {"proxy_pass": {""}, "pass": {""}},
}

// including says which files nginx.conf may include, by the block that includes
// them.
var including = map[Block][]string{
	HTTP:   {"status.conf", "routes/*.conf"},
	Stream: {"streams/*.conf"},
}

// rules is the list, put together.
var rules = func() map[Block]map[string]rule {
	all := map[Block]map[string]rule{}
	for _, block := range []Block{Main, Events, HTTP, Upstream, Stream} {
		all[block] = map[string]rule{}
		for name := range strings.FieldsSeq(plain[block]) {
			all[block][name] = rule{}
		}
		for name, opens := range opening[block] {
			all[block][name] = rule{opens: opens}
		}
		for name, check := range checked[block] {
			all[block][name] = rule{opens: all[block][name].opens, check: check}
		}
		for name := range passing[block] {
			all[block][name] = rule{}
		}
		if including[block] != nil {
			all[block]["include"] = rule{}
		}
	}
	return all
}()

// Names lists the directives that may stand in a block or in the blocks in it,
// sorted.
func Names(b Block) []string { return slices.Sorted(maps.Keys(rules[b])) }
