-- From a request to its route. Host: exact, then the wildcard of one label, then any. Path: see
-- pure/route_table.lua.

local backends = require "ingress.balance.backend"
local generation = require "ingress.generation"
local host_name = require "ingress.pure.host_name"
local match_budget = require "ingress.match_budget"
local metrics = require "ingress.metrics"
local path_regex = require "ingress.path_regex"
local policies = require "ingress.policy.registry"
local record_key = require "ingress.pure.record_key"
local request_facts = require "ingress.request_facts"
local route_table = require "ingress.pure.route_table"
local store = require "ingress.store"
local target = require "ingress.balance.target"
local template = require "ingress.template"
local variable = require "ingress.variable"

local client_path = template.client_path
local get_variable = variable.get
local ngx_var = ngx.var
local variable_equals = variable.equals
local ipairs = ipairs
local match = string.match
local pairs = pairs

local ANY_HOST = "_"
-- Of a request without Host header (HTTP/1.0).
local NO_HOST = ""
-- Client-controlled: forgotten as a whole when full, and no header is kept that is longer than any
-- name with a port.
local MOST_HOSTS = 8192
local LONGEST_HOST = 262

local HOST_HEADER = variable.new("http_host")
local HOST = variable.new("host")

-- What is asked for routes that paths alone do not choose.
local ROUTING = {
    begin = match_budget.begin,
    matches = match_budget.limited(path_regex.matches),
    new_facts = request_facts.new,
}

local _M = {}

-- listener -> Host header -> {name, value}: what was found for it, false when nothing was.
local found = {}
local found_count = 0


local function forget_found()
    found = {}
    found_count = 0
end


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


-- A table that was made with more members than it has keeps the room for them.
local function compact(members)
    local copy = {}
    for name, value in pairs(members) do
        copy[name] = value
    end
    return copy
end


local function compile_route(route, host)
    local origin = route.origin
    local series = metrics.series(host, route)
    return compact({
        name = ("%s %s/%s"):format(origin.kind, origin.namespace, origin.name),
        class = route.class,
        closed = route.closed ~= nil or nil,
        -- What `location /` checks by itself.
        body_limit = not route.class and store.setting().body_size or nil,
        steps = request_steps(route),
        filters = route.class and response_filters(route),
        custom_errors = route.class and route.policies.custom_errors ~= nil or nil,
        default_target = default_target(route.default_backend),
        origin = route.policies.custom_errors and origin,
        series = series,
        targets = series and add_series(target.compile(route), series, host, route)
            or target.compile_shared(route),
        variables = _M.has_route_variables and variables_of(route) or nil,
    })
end


local function has_all_classes(record)
    for _, route in ipairs(record.routes) do
        if route.class and not generation.has_class(route.class) then
            return false
        end
    end
    return true
end


-- A worker whose configuration lacks a class of the new record goes on with the record it had: the
-- new configuration and its workers are about to replace it.
local function compile_host(record, key, previous)
    if previous and not has_all_classes(record) then
        return previous
    end
    local name = match(key, "[^/]*$")
    return compact({
        name = name,
        series = metrics.series(name),
        certificate = record.certificate,
        alternatives = record.alternatives,
        ciphers = record.ciphers,
        client_certificate = record.client_certificate,
        records = record.routes,
        routes = {},
        table = route_table.new(record.routes, ROUTING),
    })
end


store.register("host", compile_host, { changed = forget_found })


local function lookup(listener, name)
    return name and store.lookup("host", "host/" .. listener .. "/" .. name) or nil
end


local function find_host(listener, name)
    return lookup(listener, name) or lookup(listener, host_name.wildcard(name))
        or lookup(listener, ANY_HOST)
end


--- The host that a handshake for this name is for, and the one whose certificates it shows: a host
-- without any of its own may be covered by that of its wildcard. Each may be nil.
-- @param name  in lower case; nil: there was none
function _M.handshake_hosts(listener, name)
    local exact = lookup(listener, name)
    if exact and exact.certificate then
        return exact, exact
    end
    local wildcard = name and lookup(listener, host_name.wildcard(name))
    return exact or wildcard, wildcard and wildcard.certificate and wildcard or nil
end


--- What the host of that name demands of certificates of clients, {authority, depth}; nil: nothing.
-- @param name  of the handshake; nil: there was none
function _M.client_certificate(listener, name)
    local host = name and find_host(listener, name) or lookup(listener, ANY_HOST)
    return host and host.client_certificate
end


local function remember(listener, header)
    local name = host_name.normalise(header)
    local entry = { name = name, value = find_host(listener, name) or false }
    if #header > LONGEST_HOST then
        return entry
    end
    if found_count >= MOST_HOSTS then
        forget_found()
    end
    local by_header = found[listener]
    if not by_header then
        by_header = {}
        found[listener] = by_header
    end
    by_header[header] = entry
    found_count = found_count + 1
    return entry
end


local function remembered(listener, header)
    local by_header = found[listener]
    return by_header and by_header[header] or remember(listener, header)
end


local function add_route(host, position)
    local route = compile_route(host.records[position], host.name)
    host.routes[position] = route
    -- What it was made of is not needed again, and is a sixth of what a worker holds.
    host.records[position] = false
    return route
end


-- The last one that was made, and the setting that it was made of.
local default = {}


local function new_default_route(key, setting)
    local namespace, service, port = record_key.backend_parts(key)
    local origin = { namespace = namespace, name = "", service = service, port = port }
    return {
        name = ("Service %s/%s"):format(namespace, service),
        body_limit = setting.body_size,
        targets = target.default(key),
        variables = _M.has_route_variables and variables_of({ path = "", origin = origin }) or nil,
    }
end


--- The route of requests that no record is for, as long as the default backend of the settings has
-- an endpoint; else nil, and they are answered with 404.
local function default_route()
    local setting = store.setting()
    if default.setting ~= setting then
        local key = setting.default_backend
        default = { setting = setting, route = key and new_default_route(key, setting) }
    end
    local route = default.route
    return route and backends.has_endpoint(route.targets.only) and route or nil
end


local function unrouted()
    local route = default_route()
    if route then
        return route
    end
    return nil, 404
end


-- @param path  nil: what `$uri` says now
local function find(listener, path)
    store.refresh()
    if store.revision == 0 then
        return nil, 503
    end
    local header = get_variable(HOST_HEADER)
    local entry = remembered(listener, header or NO_HOST)
    -- The request line named another host than the Host header: whom would the backend believe?
    if header and not variable_equals(HOST, entry.name) then
        return nil, 400
    end
    local host = entry.value
    if not host then
        return unrouted()
    end
    local position, err = host.table.always
    if not position then
        position, err = host.table:find(path or ngx_var.uri)
        if not position then
            if err then
                return nil, 500, err
            end
            return unrouted()
        end
    end
    return host.routes[position] or add_route(host, position)
end


_M.default_route = default_route


--- The route of the current request, or nil and the status to answer with.
_M.find = find


--- The route of a request whose context is lost, and the host, as far as there are any.
function _M.find_again(listener)
    local header = get_variable(HOST_HEADER) or NO_HOST
    return find(listener, client_path()), remembered(listener, header).value or nil
end


return _M
