/** Where a default backend is asked for the page of an error (`custom_errors`): a part of the template. */

/** In `server`. */
export const CUSTOM_ERRORS_LOCATION: string = String.raw`# Errors of routes whose pages a default backend has: it is asked by a request of its own. Its own errors have
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
`
