/** The skeleton of nginx.conf: structure only. Every variable line was made and checked by directive.ts. */
export const TEMPLATE: string = String.raw`# resty-ingress config {{hash}}
include modules.conf;
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

    # Variables that Lua fills in; declared by map, because that costs nothing per request.
    map "" $proxy_upstream_name { default "-"; }
    map "" $proxy_alternative_upstream_name { default ""; }
    map "" $no_certificate { default ""; }
    map "" $upstream_host { default $http_host; }
    map $http_x_forwarded_for $forwarded_to_here { "" $remote_addr; default "$http_x_forwarded_for, $remote_addr"; }
    map "" $rate_after { default 0; }
    map "" $rewritten_from { default ""; }
    # The path that the client asked for, whatever the backend sees.
    map $rewritten_from $client_uri { "" $uri; default $rewritten_from; }
{{#unlogged}}
    map {{#skips}}$request_uri{{/skips}}{{^skips}}""{{/skips}} $logged {
{{#skipped}}
        {{.}}
{{/skipped}}
        default {{#skips_unrouted}}$routed{{/skips_unrouted}}{{^skips_unrouted}}1{{/skips_unrouted}};
    }
{{/unlogged}}
{{#skips_unrouted}}
    # The default backend has no Ingress; nor has a 404 of ours.
    map $ingress_name$status $found { -404 0; default 1; }
    map $ingress_name $routed { "" 0; default $found; }
{{/skips_unrouted}}
{{#identities}}
    # As PEM, after "data:": no file holds a key.
    map "" $backend_certificate { default ""; }
    map "" $backend_certificate_key { default ""; }
{{/identities}}
{{#route_variables}}
    map "" {{.}} { default "-"; }
{{/route_variables}}
{{#counting}}
    map "" $stats { default "{{stats}}"; }
{{/counting}}
{{#request_ids}}
    map "" $new_id { default $request_id; }
    map $http_x_request_id $req_id { default $http_x_request_id; "" $new_id; }
{{/request_ids}}
{{^request_ids}}
    map "" $req_id { default $http_x_request_id; }
{{/request_ids}}
    map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
{{#behind_front}}
    # Of what comes through the socket, as our own PROXY header tells it.
    map $server_port $client_port { "" $proxy_protocol_server_port; default $server_port; }
    map $realip_remote_addr $peer_addr { "unix:" $remote_addr; default $realip_remote_addr; }
{{/behind_front}}
{{#trust_forwarded}}
    map $http_x_forwarded_proto $forwarded_scheme { https https; http http; default $scheme; }
    map $http_x_forwarded_port $forwarded_port { "" {{client_port}}; default $http_x_forwarded_port; }
    map $http_x_forwarded_host $forwarded_host { "" $http_host; default $http_x_forwarded_host; }
    geo {{peer_addr}} $from_trusted_proxy {
        default 0;
{{#trusted_ranges}}
        {{.}} 1;
{{/trusted_ranges}}
    }
    map $from_trusted_proxy $pass_access_scheme { 1 $forwarded_scheme; default $scheme; }
    map $from_trusted_proxy $pass_port { 1 $forwarded_port; default {{client_port}}; }
    map $from_trusted_proxy $pass_host { 1 $forwarded_host; default $http_host; }
    map $http_x_forwarded_for $forwarded_chain { "" {{peer_addr}}; default "$http_x_forwarded_for, {{peer_addr}}"; }
    map $from_trusted_proxy $full_forwarded_for { 1 $forwarded_chain; default $remote_addr; }
{{/trust_forwarded}}
{{^trust_forwarded}}
    map "" $pass_access_scheme { default $scheme; }
{{/trust_forwarded}}
{{#hsts}}
    # Over TLS ours, even where the backend has one; else what the backend says.
    map {{forwarded_scheme}} $strict_transport_security {
        https "max-age={{max_age}}{{#subdomains}}; includeSubDomains{{/subdomains}}{{#preload}}; preload{{/preload}}";
        default {{#from_backend}}$upstream_http_strict_transport_security{{/from_backend}}{{^from_backend}}""{{/from_backend}};
    }
    proxy_hide_header Strict-Transport-Security;
    add_header Strict-Transport-Security $strict_transport_security always;
{{/hsts}}
{{^hsts}}
    map "" $strict_transport_security { default ""; }
{{/hsts}}
{{#sent_headers}}
    map "" {{variable}} { default {{{text}}}; }
{{/sent_headers}}
{{#added_headers}}
    map "" {{variable}} { default {{{text}}}; }
    add_header {{name}} {{variable}} always;
{{/added_headers}}

{{#external_auth}}
    # Of the question of external authentication, a subrequest, which shares them with its request.
    map "" $auth_asker { default ""; }
    # NGINX lets Lua assign only what something reads.
    map $auth_asker $auth_asked { default 1; }
    map "" $auth_url { default ""; }
    map "" $auth_host { default ""; }
    map "" $auth_name { default ""; }
    map "" $auth_method { default GET; }
    map "" $auth_redirect { default $request_uri; }

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

{{#external_auth}}
    # No connection is kept: it would be used for another name at the same address.
    upstream auth_over_tls {
        server 0.0.0.1;
        balancer_by_lua_block { return resty_ingress.balancer() }
    }

{{/external_auth}}
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
    server {
{{#lines}}
        {{.}}
{{/lines}}
        server_name _;
        ssl_certificate data:$no_certificate;
        ssl_certificate_key data:$no_certificate;
        ssl_certificate_by_lua_block { resty_ingress.certificate("{{listener}}") }

        # Before NGINX finds a location, since it throws a body away there that it thinks too large.
{{#counting}}
        log_by_lua_block { return resty_ingress.log_request("{{listener}}") }
{{/counting}}
        server_rewrite_by_lua_block { return resty_ingress.rewrite{{#subrequests}}_main{{/subrequests}}("{{listener}}") }

        location / {
            proxy_pass http://ingress_balancer;
        }
        # The same with a log phase, for requests whose end somebody waits for.
        location @watched {
            rewrite_by_lua_block { return resty_ingress.rewrite_watched() }
            log_by_lua_block { return resty_ingress.log("{{listener}}") }
            proxy_pass http://ingress_balancer;
        }
{{#classes}}
        location @{{name}} {
{{#lines}}
            {{.}}
{{/lines}}
{{#headers}}
            # NGINX forgets those above where there are any here.
{{#upgrades}}
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header Upgrade $http_upgrade;
{{/upgrades}}
            {{directive}} {{proxy}} "";
{{#proxy_headers}}
            {{directive}} {{name}} {{value}};
{{/proxy_headers}}
{{/headers}}
            rewrite_by_lua_block { return resty_ingress.rewrite_class("{{name}}") }
{{#external_auth}}
            access_by_lua_block { return resty_ingress.external_auth_access() }
{{/external_auth}}
{{#filters}}
            lua_transform_underscores_in_response_headers off;
            header_filter_by_lua_block { return resty_ingress.header_filter() }
{{/filters}}
{{#custom_errors}}
            body_filter_by_lua_block { return resty_ingress.body_filter() }
{{/custom_errors}}
            log_by_lua_block { return resty_ingress.log("{{listener}}") }
            {{pass}}
        }
{{/classes}}
{{#custom_errors}}
        # Errors of routes whose pages a default backend has: it is asked by a request of its own. Its own errors have
        # the pages below.
        location @custom_errors {
            recursive_error_pages on;
            proxy_method GET;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Transfer-Encoding "";
            proxy_set_header Connection "";
            proxy_set_header Proxy "";
            proxy_set_header X-Format $http_accept;
{{^original_uri}}
            proxy_set_header X-Original-URI $request_uri;
{{/original_uri}}
            # What is asked for is no version of what the client has, and no part.
            proxy_set_header If-Match "";
            proxy_set_header If-None-Match "";
            proxy_set_header If-Modified-Since "";
            proxy_set_header If-Unmodified-Since "";
            proxy_set_header If-Range "";
            proxy_set_header Range "";
{{#proxy_headers}}
            proxy_set_header {{name}} {{value}};
{{/proxy_headers}}
            rewrite_by_lua_block { return resty_ingress.custom_errors() }
{{#has_filters}}
            lua_transform_underscores_in_response_headers off;
            header_filter_by_lua_block { return resty_ingress.header_filter() }
{{/has_filters}}
            log_by_lua_block { return resty_ingress.log("{{listener}}") }
            proxy_pass http://ingress_balancer;
        }
{{/custom_errors}}
{{#external_auth}}
        # The question whether a request is let in, by auth_request. No client can ask for "//", as below.
        location = //external_auth {
            internal;
            # An answer is what the service says: none of the pages of errors takes its place (CVE-2026-24513).
            error_page 599 @error_500;
            client_max_body_size 0;
            proxy_method $auth_method;
            proxy_pass_request_body off;
            proxy_set_header Host $auth_host;
            proxy_set_header Content-Length "";
            proxy_set_header Transfer-Encoding "";
            proxy_set_header Connection "";
            proxy_set_header Upgrade "";
            proxy_set_header Proxy "";
            proxy_set_header X-Original-URL {{forwarded_scheme}}://$http_host$request_uri;
            proxy_set_header X-Original-URI $request_uri;
            proxy_set_header X-Original-Method $request_method;
            proxy_set_header X-Forwarded-Uri $request_uri;
            proxy_set_header X-Forwarded-Method $request_method;
            proxy_set_header X-Auth-Request-Redirect $auth_redirect;
            proxy_set_header X-Sent-From nginx-ingress-controller;
{{#subrequest_headers}}
            proxy_set_header {{name}} {{value}};
{{/subrequest_headers}}
            # As ingress-nginx: the certificate of the service is not checked.
            proxy_ssl_server_name on;
            proxy_ssl_name $auth_name;
            proxy_ssl_session_reuse off;
            rewrite_by_lua_block { return resty_ingress.external_auth_ask() }
            lua_transform_underscores_in_response_headers off;
            header_filter_by_lua_block { return resty_ingress.external_auth_answer() }
{{#auth_access_log}}
            log_subrequest on;
            log_by_lua_block { return }
{{/auth_access_log}}
            proxy_pass $auth_url;
        }
{{/external_auth}}
{{#mirrors}}
        {{> mirror_location}}
{{/mirrors}}
        # No client can ask for "//": NGINX merges slashes before it looks for a location.
{{#error_pages}}
        location {{#without_uri}}= //{{/without_uri}}{{^without_uri}}@{{/without_uri}}error_{{code}} {
{{#closes}}
            keepalive_timeout 0;
{{/closes}}
{{#has_filters}}
            lua_transform_underscores_in_response_headers off;
            header_filter_by_lua_block { return resty_ingress.header_filter() }
{{/has_filters}}
            log_by_lua_block { return resty_ingress.log_page("{{listener}}") }
            return {{code}} "{{code}}{{#text}} {{text}}{{/text}}\n";
        }
{{/error_pages}}
    }
{{/servers}}
}
`
