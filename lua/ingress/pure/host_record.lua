-- Validation of the record of a host, with its routes.

local canary = require "ingress.pure.canary_record"
local handshake = require "ingress.pure.handshake_record"
local record_key = require "ingress.pure.record_key"
local member = require "ingress.pure.route_member"
local route_match = require "ingress.pure.route_match"
local shape = require "ingress.pure.shape"

local byte = string.byte
local format = string.format

local LONGEST_PATH = 4096
local MOST_ROUTES = 100000
local MOST_BACKENDS = 100
local MOST_WEIGHT = 1000000

local PATH_TYPES = { Exact = true, Prefix = true, Regex = true }
local HOST = {
    digest = true, certificate = true, alternatives = true, ciphers = true,
    client_certificate = true, closed = true, routes = true,
}
local ROUTE = {
    path = true, pathType = true, match = true, class = true, backends = true, policies = true,
    closed = true, origin = true, canary = true, canaries = true, default_backend = true,
}
local WEIGHTED = { backend = true, weight = true }

local _M = {}


local function check_path(route, where, deps)
    local path, kind = route.path, route.pathType
    if not PATH_TYPES[kind] then
        return where .. ".pathType must be Exact, Prefix or Regex"
    end
    if not shape.is_text(path, LONGEST_PATH) then
        return format("%s.path must be text of at most %d bytes", where, LONGEST_PATH)
    end
    if kind ~= "Regex" then
        return byte(path) ~= byte("/") and where .. ".path must begin with a slash" or nil
    end
    local ok, err = deps.compiles(path)
    return not ok and format("%s.path is no regular expression: %s", where, err) or nil
end


local function check_weighted(value, where)
    return shape.object(value, WEIGHTED, where)
        or record_key.kind(value.backend) ~= "backend" and where .. ".backend must be a backend key"
        or not shape.is_integer(value.weight, 0, MOST_WEIGHT)
            and format("%s.weight must be a whole number up to %d", where, MOST_WEIGHT)
        or nil
end


local function check_route(route, where, deps)
    return shape.object(route, ROUTE, where)
        or check_path(route, where, deps)
        or route_match.refusal(route.match, where .. ".match", deps)
        or member.class(route.class, where)
        or shape.list(route.backends, MOST_BACKENDS, where .. ".backends")
        or shape.each(route.backends, where .. ".backends", check_weighted)
        or member.policies(route.policies, where .. ".policies", deps)
        or route.default_backend ~= nil and record_key.kind(route.default_backend) ~= "backend"
            and where .. ".default_backend must be a backend key"
        or route.closed ~= nil and type(route.closed) ~= "string"
            and where .. ".closed must be text"
        or member.origin(route.origin, where .. ".origin")
        or canary.refusal(route, where, deps)
        or nil
end


--- Why the record of a host is refused, or nil.
-- @param deps `policies` {name: {validate(value, deps)}}, `compiles(pattern)` -> true | nil, err
function _M.refusal(record, deps)
    return shape.object(record, HOST, "the record")
        or handshake.refusal(record)
        or record.client_certificate ~= nil
            and deps.policies.client_certificate.validate(record.client_certificate, deps)
        or record.closed ~= nil and type(record.closed) ~= "string" and "closed must be text"
        or shape.list(record.routes, MOST_ROUTES, "routes")
        or shape.each(record.routes, "routes", check_route, deps)
        or nil
end


return _M
