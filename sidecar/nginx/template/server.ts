/** What each listener serves: parts of the template for nginx.conf. */

/** In `http`. */
export const SERVER: string = String.raw`server {
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
    {{> class_location}}
{{/classes}}
{{#custom_errors}}
    {{> custom_errors_location}}
{{/custom_errors}}
{{#external_auth}}
    {{> external_auth_location}}
{{/external_auth}}
{{#mirrors}}
    {{> mirror_location}}
{{/mirrors}}
    {{> error_pages}}
}
`

/** In `server`, for each location class. */
export const CLASS_LOCATION: string = String.raw`location @{{name}} {
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
`

/** In `server`: what NGINX answers itself. */
export const ERROR_PAGES: string = String.raw`# No client can ask for "//": NGINX merges slashes before it looks for a location.
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
`
