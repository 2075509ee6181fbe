/** The `stream` block: structure only, as TEMPLATE. */
export const STREAM_TEMPLATE: string = String.raw`{{#stream}}

stream {
{{#lua}}
    include runtime-stream.conf;
    init_by_lua_block { require("ingress.stream.phase.init")({{tries}}) }
    init_worker_by_lua_block { resty_ingress_stream.init_worker() }
    log_by_lua_block { return resty_ingress_stream.log() }

{{/lua}}
{{#lines}}
    {{.}}
{{/lines}}

{{#lua}}
    upstream stream_balancer {
        server 0.0.0.1:1;
        balancer_by_lua_block { return resty_ingress_stream.balancer() }
    }
{{/lua}}
{{#upstreams}}
    upstream {{name}} {
{{#servers}}
        {{.}}
{{/servers}}
    }
{{/upstreams}}
{{#servers}}
    server {
{{#lines}}
        {{.}}
{{/lines}}
{{#key}}
        preread_by_lua_block { return resty_ingress_stream.preread("{{.}}") }
{{/key}}
    }
{{/servers}}
}
{{/stream}}
`
