-- From a request to its route. Host: exact, then the wildcard of one label, then any. Path: see
-- pure/route_table.lua.

local generation = require "ingress.generation"
local host_name = require "ingress.pure.host_name"
local match_budget = require "ingress.match_budget"
local metrics = require "ingress.metrics"
local path_regex = require "ingress.path_regex"
local request_facts = require "ingress.request_facts"
local routes = require "ingress.route"
local route_table = require "ingress.pure.route_table"
local store = require "ingress.store"
local template = require "ingress.template"
local unrouted = require "ingress.unrouted"
local variable = require "ingress.variable"

local client_path = template.client_path
local get_variable = variable.get
local ngx_var = ngx.var
local variable_equals = variable.equals
local ipairs = ipairs
local match = string.match

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
    return routes.compact({
        name = name,
        series = metrics.series(name),
        certificate = record.certificate,
        alternatives = record.alternatives,
        ciphers = record.ciphers,
        client_certificate = record.client_certificate,
        closed = record.closed ~= nil or nil,
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
    local route = routes.compile(host.records[position], host.name)
    host.routes[position] = route
    -- What it was made of is not needed again, and is a sixth of what a worker holds.
    host.records[position] = false
    return route
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
        return unrouted.default()
    end
    local position, err = host.table.always
    if not position then
        position, err = host.table:find(path or ngx_var.uri)
        if not position then
            if err then
                return nil, 500, err
            end
            return unrouted.of_host(host)
        end
    end
    return host.routes[position] or add_route(host, position)
end


--- The route of the current request, or nil and the status to answer with.
_M.find = find


--- The route of a request whose context is lost, and the host, as far as there are any.
function _M.find_again(listener)
    local header = get_variable(HOST_HEADER) or NO_HOST
    return find(listener, client_path()), remembered(listener, header).value or nil
end


return _M
