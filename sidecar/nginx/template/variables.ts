/** Variables of requests: parts of the template for nginx.conf. */

/** In `http`. */
export const VARIABLES: string = String.raw`# Variables that Lua fills in; declared by map, because that costs nothing per request.
map "" $proxy_upstream_name { default "-"; }
map "" $proxy_alternative_upstream_name { default ""; }
map "" $no_certificate { default ""; }
map "" $upstream_host { default {{forwarded_host}}; }
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
{{#maps_ports}}
# Of TLS the port that clients know.
map $server_port $known_port { {{https_port}} {{known_https_port}};{{#behind_front}} "" {{known_https_port}};{{/behind_front}} default $server_port; }
{{/maps_ports}}
{{#behind_front}}
# Of what comes through the socket, as our own PROXY header tells it.
map $realip_remote_addr $peer_addr { "unix:" $remote_addr; default $realip_remote_addr; }
{{/behind_front}}
{{> forwarded}}
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
`

/** Whom a request says that it comes from, by headers that are believed from some proxies only. */
export const FORWARDED: string = String.raw`{{#trust_balancer}}
# A load balancer says in its PROXY header to which of its ports the client came; at 443 it took off the TLS itself.
geo $realip_remote_addr $from_balancer {
    default 0;
{{#trusted_ranges}}
    {{.}} 1;
{{/trusted_ranges}}
}
map $from_balancer $balancer_port { 1 $proxy_protocol_server_port; default ""; }
map $balancer_port $client_port { "" {{listener_port}}; default $balancer_port; }
map $balancer_port $client_scheme { 443 https; default $scheme; }
{{/trust_balancer}}
{{#trust_forwarded}}
map $http_x_forwarded_proto $forwarded_scheme { https https; http http; default {{client_scheme}}; }
map $http_x_forwarded_port $forwarded_port { "" {{client_port}}; default $http_x_forwarded_port; }
# Of several the first, without what a host cannot have.
map $http_x_forwarded_host $forwarded_host {
    "~^[ \t]*(?<forwarded_name>[A-Za-z0-9._:[\]-]+)[ \t]*(?:,|$)" $forwarded_name;
    default $http_host;
}
geo {{peer_addr}} $from_trusted_proxy {
    default 0;
{{#trusted_ranges}}
    {{.}} 1;
{{/trusted_ranges}}
}
map $from_trusted_proxy $pass_access_scheme { 1 $forwarded_scheme; default {{client_scheme}}; }
map $from_trusted_proxy $pass_port { 1 $forwarded_port; default {{client_port}}; }
map $from_trusted_proxy $pass_host { 1 $forwarded_host; default $http_host; }
map $http_x_forwarded_for $forwarded_chain { "" {{peer_addr}}; default "$http_x_forwarded_for, {{peer_addr}}"; }
map $from_trusted_proxy $full_forwarded_for { 1 $forwarded_chain; default $remote_addr; }
{{/trust_forwarded}}
{{^trust_forwarded}}
map "" $pass_access_scheme { default {{client_scheme}}; }
{{/trust_forwarded}}
`
