/**
 * The `stream` block: structure only, as the skeleton. It reads dictionaries of `http`, so it comes after it. TLS that
 * is passed on goes through a second server, since a server sends a PROXY header to all or to none.
 */
export const STREAM: string = String.raw`{{#stream}}

stream {
{{#lua}}
    include runtime-stream.conf;
    init_by_lua_block { require("ingress.stream.phase.init")({{tries}}, {{connect_timeout}}) }
    init_worker_by_lua_block { resty_ingress_stream.init_worker() }
    log_by_lua_block { return resty_ingress_stream.log() }
{{/lua}}
{{#lines}}
    {{.}}
{{/lines}}
{{#port_log}}
    {{{.}}}
{{/port_log}}

{{#tls}}
    upstream tls_termination {
        server unix:https.sock;
    }
    upstream tls_passthrough {
        server unix:passthrough.sock;
    }
{{#lua}}
    map "" $tls_target { default tls_termination; }
{{/lua}}
{{#maps}}
    # For names of 253 characters, the longest that there are.
    map_hash_bucket_size 512;
    map $ssl_preread_server_name $tls_labels {
        default 0;
{{#labels}}
        {{{.}}}
{{/labels}}
    }
    map $ssl_preread_server_name.$tls_labels $tls_backend {
        hostnames;
        default nowhere;
{{#names}}
        {{.}}
{{/names}}
    }
    map $tls_backend $tls_target { nowhere tls_termination; default tls_passthrough; }
    upstream nowhere {
        server 0.0.0.1:1 down;
    }
{{/maps}}
{{/tls}}
{{#lua}}
    upstream stream_balancer {
        server 0.0.0.1:1;
        balancer_by_lua_block { return resty_ingress_stream.balancer() }
    }
{{/lua}}
{{#upstreams}}
    upstream {{name}} {
{{#lines}}
        {{.}}
{{/lines}}
    }
{{/upstreams}}

{{#tls}}
{{#front}}
    # The TLS port. The ends have timeouts of their own.
    server {
{{#lines}}
        {{.}}
{{/lines}}
        ssl_preread on;
{{#lua}}
        preread_by_lua_block { return resty_ingress_stream.choose_tls() }
{{/lua}}
        proxy_timeout 1d;
        proxy_protocol on;
        proxy_pass $tls_target;
    }
{{/front}}
    server {
        listen unix:passthrough.sock proxy_protocol backlog=4096;
        ssl_preread on;
{{#lua}}
        preread_by_lua_block { return resty_ingress_stream.passthrough() }
        proxy_pass stream_balancer;
{{/lua}}
{{^lua}}
        proxy_pass $tls_backend;
{{/lua}}
    }
{{/tls}}
{{#servers}}
    server {
{{#lines}}
        {{.}}
{{/lines}}
{{#lua}}
        preread_by_lua_block { return resty_ingress_stream.preread("{{key}}") }
        proxy_pass stream_balancer;
{{/lua}}
{{^lua}}
        proxy_pass {{upstream}};
{{/lua}}
    }
{{/servers}}
}
{{/stream}}
`
