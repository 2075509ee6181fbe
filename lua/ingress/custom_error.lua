-- What a default backend is told of the error in whose place it answers: by the page of that, for
-- which NGINX asks in `location @custom_errors`, which says the rest (by GET, without a body), or
-- by the request itself, where the backends of its route have no endpoint.

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


-- Headers of ingress-nginx; those that a client sent under these names are replaced.
local function tell(status, origin)
    set_header("X-Code", status)
    set_header("X-Namespace", origin.namespace)
    set_header("X-Ingress-Name", origin.name)
    set_header("X-Service-Name", origin.service)
    set_header("X-Service-Port", origin.port)
end


--- The current request goes on, as it is, to the default backend of its route.
function _M.hand_over(route)
    tell(ngx.HTTP_SERVICE_UNAVAILABLE, route.origin)
    set_header("X-Format", ngx.var.http_accept or "")
end


--- Makes the current request one for the page.
-- @param status of the error
function _M.describe(status, route)
    tell(status, route.origin)
    ngx.var.rewritten_from = template.client_path()
    ngx.req.set_uri("/")
    -- From here on the answer has the status that the default backend gives it.
    ngx.status = ngx.HTTP_OK
end


return _M
