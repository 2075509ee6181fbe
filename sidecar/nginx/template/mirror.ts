/** Where copies of requests are sent from (`mirror`): parts of the template for nginx.conf. */

/** In `http`. */
export const MIRROR_VARIABLES: string = String.raw`# Of copies of requests, which are subrequests and share them with their request.
map "" $mirror_backend { default ""; }
# NGINX lets Lua assign only what something reads.
map $mirror_backend $mirrored { default 1; }
map "" $mirror_url { default ""; }
map "" $mirror_host { default ""; }
map "" $mirror_name { default ""; }
`

/** In `server`, for each kind of copy. */
export const MIRROR_LOCATION: string = String.raw`# No client can ask for "//". Nothing that is answered here reaches anybody.
location = {{location}} {
    internal;
    client_max_body_size 0;
{{#without_body}}
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_set_header Transfer-Encoding "";
{{/without_body}}
    proxy_set_header Host $mirror_host;
    proxy_set_header Connection "";
    proxy_set_header Upgrade "";
    proxy_set_header Proxy "";
    proxy_set_header X-Original-URI $request_uri;
    proxy_set_header X-Mirrored 1;
{{#subrequest_headers}}
    proxy_set_header {{name}} {{value}};
{{/subrequest_headers}}
    # As ingress-nginx: the certificate of the other server is not checked.
    proxy_ssl_server_name on;
    proxy_ssl_name $mirror_name;
    proxy_ssl_session_reuse off;
    rewrite_by_lua_block { return resty_ingress.mirror() }
    proxy_pass $mirror_url;
}
`
