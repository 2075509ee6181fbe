-- A route as workers use it: made once of its record, when the first request takes it.

local metrics = require "ingress.metrics"
local policies = require "ingress.policy.registry"
local store = require "ingress.store"
local target = require "ingress.balance.target"
local template = require "ingress.template"

local ipairs = ipairs
local pairs = pairs

local _M = {
    -- Whether the configuration has variables that tell of the route of a request.
    has_variables = false,
}


-- `compile` of a policy gets what needs NGINX from here: policies are loaded without it, too.
local function request_step(policy, value, route)
    if policy.compile then
        local apply = policy.compile(value, route, template)
        return apply and { apply = apply }
    end
    return { apply = policy.apply, value = value }
end


-- What the policies of a route do before the request is sent: pairs of function and value.
local function request_steps(route)
    local steps, setting = {}, store.setting()
    for _, name in ipairs(policies.request_order) do
        local policy = policies.by_name[name]
        local value = route.policies[name] or policy.default and policy.default(route, setting)
        if value then
            steps[#steps + 1] = request_step(policy, value, route)
        end
    end
    return #steps > 0 and steps or nil
end


-- What the policies of a route do to its answers.
local function response_filters(route)
    local filters = {}
    for _, name in ipairs(policies.response_order) do
        local value = route.policies[name]
        if value then
            filters[#filters + 1] = policies.by_name[name].compile_filter(value, route, template)
        end
    end
    return #filters > 0 and filters or nil
end


-- Requests to the targets of a route are counted together, those to a canary apart.
local function add_series(targets, series, host, route)
    for _, one in ipairs(targets) do
        one.series = one.alternative and metrics.series(host, route, one.alternative) or series
    end
    return targets
end


local function variables_of(route)
    local origin = route.origin
    return {
        namespace = origin.namespace,
        ingress_name = origin.name,
        service_name = origin.service,
        service_port = origin.port,
        location_path = route.path,
    }
end


-- Where the answers of a default backend come from; nil when there is none.
local function default_target(key)
    return key and target.default(key).only
end


--- A table that was made with more members than it has keeps the room for them.
function _M.compact(members)
    local copy = {}
    for name, value in pairs(members) do
        copy[name] = value
    end
    return copy
end


--- @param route  record
-- @param host    name, for whose metrics its requests count; nil: for nobody's
-- @return {steps, targets, ...}: what is done before a request is sent, and where it goes then
function _M.compile(route, host)
    local origin = route.origin
    local series = host and metrics.series(host, route)
    return _M.compact({
        name = ("%s %s/%s"):format(origin.kind, origin.namespace, origin.name),
        class = route.class,
        closed = route.closed ~= nil or nil,
        -- What `location /` checks by itself.
        body_limit = not route.class and store.setting().body_size or nil,
        steps = request_steps(route),
        filters = route.class and response_filters(route),
        custom_errors = route.class and route.policies.custom_errors ~= nil or nil,
        default_target = default_target(route.default_backend),
        answered = route.policies.direct_response ~= nil or nil,
        origin = (route.policies.custom_errors or route.default_backend) and origin or nil,
        series = series,
        targets = series and add_series(target.compile(route), series, host, route)
            or target.compile_shared(route),
        variables = _M.has_variables and variables_of(route) or nil,
    })
end


return _M
