-- Which series a request belongs to, at its end.

local metrics = require "ingress.metrics"
local router = require "ingress.router"

local count = metrics.count
local ngx = ngx
local ngx_var = ngx.var

local _M = {}


-- The context of a request is empty when Lua answered it before a backend was chosen, and on an
-- error page: it is routed again. Of a chosen canary the name is left.
local function series_of_lost(listener)
    local route, host = router.find_again(listener)
    -- The default backend answers for a host without counting for itself.
    if not (route and route.series) then
        return host and host.series or metrics.undefined
    end
    local canary = ngx_var.proxy_alternative_upstream_name
    for _, target in ipairs(route.targets) do
        if target.alternative == canary then
            return target.series
        end
    end
    return route.series
end


--- The log phase of every request to a listener, when requests are counted.
function _M.observe(listener)
    local context = ngx.ctx
    local target = context.target or context
    local series = target.series or series_of_lost(listener)
    if series then
        count(series)
    end
end


return _M
