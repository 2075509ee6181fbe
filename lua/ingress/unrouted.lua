-- Requests that no route takes: they go to the default backend of the settings, else get 404. That
-- is no way around what protects everything else: blocked and foreign addresses, the certificate
-- that a host demands, and the service that is asked about all requests.

local backends = require "ingress.balance.backend"
local record_key = require "ingress.pure.record_key"
local routes = require "ingress.route"
local store = require "ingress.store"

local NOT_FOUND, UNAVAILABLE = 404, 503

local _M = {}

-- The route of hosts that demand nothing, and the setting that it was made of.
local common = {}


-- The record of a route to the default backend, of which the setting says how it is protected.
local function to_default(setting)
    local key = setting.default_backend
    local namespace, service, port = record_key.backend_parts(key)
    local guard = setting.unrouted or { policies = {} }
    return {
        path = "", pathType = "Prefix", class = guard.class, policies = guard.policies,
        backends = { { backend = key, weight = 1 } },
        origin = {
            kind = "Service", namespace = namespace, name = "", service = service, port = port,
        },
    }
end


local function to_nobody()
    return {
        path = "", pathType = "Prefix", policies = {}, backends = {},
        origin = { kind = "Host", namespace = "", name = "", service = "", port = "" },
    }
end


local function compile(record)
    local route = routes.compile(record)
    route.status = NOT_FOUND
    return route
end


-- With what the host demands of every request.
local function compile_demanding(setting, demand)
    local record = setting.default_backend and to_default(setting) or to_nobody()
    local policies = { client_certificate = demand }
    for name, value in pairs(record.policies) do
        policies[name] = value
    end
    record.policies = policies
    return compile(record)
end


--- The route to the default backend; nil: it has no endpoint, or there is none.
function _M.default_route()
    local setting = store.setting()
    if common.setting ~= setting then
        common = {
            setting = setting,
            route = setting.default_backend and compile(to_default(setting)),
        }
    end
    local route = common.route
    return route and backends.has_endpoint(route.targets.only) and route or nil
end


--- Of a host that has no record.
-- @return route; or nil and the status to answer with
function _M.default()
    local route = _M.default_route()
    if route then
        return route
    end
    return nil, NOT_FOUND
end


--- Of a host that has routes, none of which takes the request.
-- @param host  a compiled one, which keeps the route
-- @return route; or nil and the status to answer with
function _M.of_host(host)
    if host.closed then
        return nil, UNAVAILABLE
    elseif not host.client_certificate then
        return _M.default()
    end
    local setting = store.setting()
    if host.unrouted_setting ~= setting then
        host.unrouted_setting = setting
        host.unrouted = compile_demanding(setting, host.client_certificate)
    end
    return host.unrouted
end


return _M
