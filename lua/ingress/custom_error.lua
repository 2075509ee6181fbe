-- An error of a route that has the page of a default backend: which backend that is, and what it is
-- told. NGINX asks it in `location @custom_errors`, which says the rest (by GET, without a body).

local has_endpoint = require("ingress.balance.backend").has_endpoint
local template = require "ingress.template"
local unrouted = require "ingress.unrouted"

local set_header = ngx.req.set_header

local _M = {}


--- Where the page comes from: the route's own default backend, else that of the settings; nil when
-- neither has an endpoint.
-- @param route nil when nothing is known of it
function _M.target(route)
    local own = route and route.default_target
    if own and has_endpoint(own) then
        return own
    end
    local default = unrouted.default_route()
    return default and default.targets.only
end


--- Makes the current request one for the page, with the headers of ingress-nginx. Those that a
-- client sent under these names are replaced.
-- @param status of the error
function _M.describe(status, route)
    local origin = route.origin
    set_header("X-Code", status)
    set_header("X-Namespace", origin.namespace)
    set_header("X-Ingress-Name", origin.name)
    set_header("X-Service-Name", origin.service)
    set_header("X-Service-Port", origin.port)
    ngx.var.rewritten_from = template.client_path()
    ngx.req.set_uri("/")
    -- From here on the answer has the status that the default backend gives it.
    ngx.status = ngx.HTTP_OK
end


return _M
