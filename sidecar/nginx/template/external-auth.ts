/** Where a service is asked whether a request is let in (`external_auth`): parts of the template for nginx.conf. */

/** In `http`. */
export const EXTERNAL_AUTH_VARIABLES: string = String.raw`# Of the question of external authentication, a subrequest, which shares them with its request.
map "" $auth_asker { default ""; }
# NGINX lets Lua assign only what something reads.
map $auth_asker $auth_asked { default 1; }
map "" $auth_url { default ""; }
map "" $auth_host { default ""; }
map "" $auth_name { default ""; }
map "" $auth_method { default GET; }
map "" $auth_redirect { default $request_uri; }
`

/** In `server`. */
export const EXTERNAL_AUTH_LOCATION: string = String.raw`# The question whether a request is let in, by auth_request. No client can ask for "//", as below.
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
`
