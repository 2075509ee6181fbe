/** The skeleton of nginx.conf: structure only. Every variable line was made and checked by directive.ts. */
export const SKELETON: string = String.raw`# resty-ingress config {{hash}}
include modules.conf;
{{#threads}}
include threads.conf;
{{/threads}}
{{#main}}
{{.}}
{{/main}}
error_log emerg.log emerg;

events {
{{#events}}
    {{.}}
{{/events}}
    multi_accept on;
}

http {
{{#skips}}
    # For paths of 255 characters; before any map.
    map_hash_bucket_size 512;
{{/skips}}
    include runtime.conf;
    init_by_lua_block { require("ingress.phase.init")("{{hash}}", { {{#classes}}"{{name}}", {{/classes}}},
        { {{#variables}}"{{.}}", {{/variables}}}{{#counting}}, {
            time = { {{#time}}{{.}}, {{/time}}}, length = { {{#length}}{{.}}, {{/length}}},
            size = { {{#size}}{{.}}, {{/size}}}, per_host = {{per_host}},
            undefined_hosts = {{undefined_hosts}}, status_classes = {{status_classes}},
            sampling = {{sampling}} }{{/counting}}) }
    init_worker_by_lua_block { resty_ingress.init_worker() }

    default_type text/plain;
{{#answers}}
    {{.}}
{{/answers}}
    sendfile on;
    tcp_nopush on;
    reset_timedout_connection on;
    # An ordinary request needs 8k to 12k: one allocation, where NGINX's 4k make three.
    request_pool_size 16k;
    log_subrequest off;
    {{{log_format}}}
{{#http}}
    {{.}}
{{/http}}
{{#hide_server_header}}
    more_clear_headers Server;
{{/hide_server_header}}
{{#only_server_of_backend}}
    more_set_headers "Server: $upstream_http_server";
{{/only_server_of_backend}}

    {{> variables}}

{{#external_auth}}
    {{> external_auth_variables}}

{{/external_auth}}
{{#mirrored}}
    {{> mirror_variables}}

{{/mirrored}}
    limit_rate_after $rate_after;

    # Constant: the balancer sets what settings and routes say, and compares with these.
    proxy_connect_timeout 5s;
    proxy_send_timeout 60s;
    proxy_read_timeout 60s;
    proxy_http_version {{proxy_http_version}};
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Proxy "";
{{#proxy_headers}}
    proxy_set_header {{name}} {{value}};
{{/proxy_headers}}
    # Which location serves a request is not for backends to say; some have no log phase.
    proxy_ignore_headers X-Accel-Redirect;

{{#error_pages}}
    error_page {{code}} {{#without_uri}}//{{/without_uri}}{{^without_uri}}@{{/without_uri}}error_{{code}};
{{/error_pages}}
    # Too long a header, and what is wrong with TLS: codes of NGINX alone.
    error_page 494 495 496 497 =400 //error_400;

    upstream ingress_balancer {
        server 0.0.0.1;
        balancer_by_lua_block { return resty_ingress.balancer() }
{{#upstream}}
        {{.}}
{{/upstream}}
    }

{{#subrequests}}
    # No connection is kept: it would be used for another name at the same address. Without these lines NGINX keeps
    # some since 1.29.7, and before it took no 0.
    upstream subrequests_over_tls {
        server 0.0.0.1;
        balancer_by_lua_block { return resty_ingress.balancer() }
        keepalive 1;
        keepalive_requests 1;
    }

{{/subrequests}}
{{#auth_pools}}
    # Connections to services of external authentication: of routes that say how many, over TLS to one name.
    upstream {{name}} {
        server 0.0.0.1;
        balancer_by_lua_block { return resty_ingress.balancer() }
{{#lines}}
        {{.}}
{{/lines}}
    }

{{/auth_pools}}
{{#upstreams}}
    # Connections of a class alone: another one trusts others, or shows another certificate.
    upstream {{name}} {
        server 0.0.0.1;
        balancer_by_lua_block { return resty_ingress.balancer() }
{{#lines}}
        {{.}}
{{/lines}}
    }

{{/upstreams}}
{{#servers}}
    {{> server}}
{{/servers}}
}
`
