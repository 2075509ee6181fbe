-- Validation of records, one function a kind. Each answers with the reason why a record is refused,
-- or nil. Limits come first, so that a hostile record is refused cheaply.

local address = require "ingress.pure.address"
local canary = require "ingress.pure.canary_record"
local handshake = require "ingress.pure.handshake_record"
local htpasswd_record = require "ingress.pure.htpasswd_record"
local record_key = require "ingress.pure.record_key"
local resilience = require "ingress.pure.resilience_record"
local route_match = require "ingress.pure.route_match"
local shape = require "ingress.pure.shape"
local stream_record = require "ingress.pure.stream_record"

local byte = string.byte
local find = string.find
local format = string.format

local LONGEST_DIGEST = 128
local LONGEST_PATH = 4096
local LONGEST_TEXT = 1024
local LONGEST_PEM = 262144
local MOST_ROUTES = 100000
local MOST_BACKENDS = 100
local MOST_ENDPOINTS = 20000
local MOST_WEIGHT = 1000000
local LONGEST_SALT = 128

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
local ORIGIN = { "kind", "namespace", "name", "service", "port" }
local ORIGIN_MEMBERS = { kind = true, namespace = true, name = true, service = true, port = true }
local BACKEND = { digest = true, endpoints = true, health_check = true, salt = true }
local ATTRIBUTES = { draining = true, priority = true }
local SETTINGS = {
    access = true, blocks = true, body_size = true, header_spellings = true, load_balance = true,
    retries = true, timeouts = true,
}
local OTHER_SETTINGS = {
    default_backend = function(value)
        return record_key.kind(value) ~= "backend" and "default_backend must be a backend key"
            or nil
    end,
    ejection = resilience.ejection,
    reject_handshake = handshake.switch,
    retry_budget = resilience.retry_budget,
}
local CERTIFICATE = { digest = true, chain = true, key = true }
local AUTHORITY = { digest = true, certificates = true }
local UNROUTED = { class = true, policies = true }

local _M = {}


local function array(value, most, where)
    if not shape.is_array(value) then
        return where .. " must be a list"
    end
    if #value > most then
        return format("%s has more than %d entries", where, most)
    end
end


-- The first reason that `check(item, where)` gives for an item.
local function each(items, where, check, deps)
    for i = 1, #items do
        local reason = check(items[i], format("%s[%d]", where, i - 1), deps)
        if reason then
            return reason
        end
    end
end


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


local function check_policies(policies, where, deps)
    if not shape.is_object(policies) then
        return where .. " must be an object"
    end
    for name, value in pairs(policies) do
        local policy = deps.policies[name]
        local reason
        if policy then
            reason = policy.validate(value, deps)
        else
            reason = "unknown policy " .. shape.quoted(name)
        end
        if reason then
            return format("%s: %s", where, reason)
        end
    end
end


local function check_origin(origin, where)
    local reason = shape.object(origin, ORIGIN_MEMBERS, where)
    if reason then
        return reason
    end
    for _, name in ipairs(ORIGIN) do
        if not shape.is_text(origin[name], LONGEST_TEXT) then
            return format("%s.%s must be text", where, name)
        end
    end
end


local function check_class(class, where)
    if class == nil then
        return nil
    end
    local valid = type(class) == "string" and #class <= 64 and find(class, "^c[0-9a-f]+$")
    return not valid and where .. ".class must be the name of a location class" or nil
end


local function check_route(route, where, deps)
    return shape.object(route, ROUTE, where)
        or check_path(route, where, deps)
        or route_match.refusal(route.match, where .. ".match", deps)
        or check_class(route.class, where)
        or array(route.backends, MOST_BACKENDS, where .. ".backends")
        or each(route.backends, where .. ".backends", check_weighted)
        or check_policies(route.policies, where .. ".policies", deps)
        or route.default_backend ~= nil and record_key.kind(route.default_backend) ~= "backend"
            and where .. ".default_backend must be a backend key"
        or route.closed ~= nil and type(route.closed) ~= "string"
            and where .. ".closed must be text"
        or check_origin(route.origin, where .. ".origin")
        or canary.refusal(route, where, {
            policies = deps.policies, compiles = deps.compiles,
            check_policies = check_policies, check_origin = check_origin,
        })
        or nil
end


--- deps: `policies` {name: {validate(value, deps)}}, `compiles(pattern)` -> true | nil, err
function _M.host(record, deps)
    return shape.object(record, HOST, "the record")
        or handshake.refusal(record)
        or record.client_certificate ~= nil
            and deps.policies.client_certificate.validate(record.client_certificate, deps)
        or record.closed ~= nil and type(record.closed) ~= "string" and "closed must be text"
        or array(record.routes, MOST_ROUTES, "routes")
        or each(record.routes, "routes", check_route, deps)
        or nil
end


local function check_attributes(attributes, where)
    return shape.object(attributes, ATTRIBUTES, where)
        or attributes.draining ~= nil and attributes.draining ~= true
            and where .. ".draining must be true or absent"
        or attributes.priority ~= nil and not shape.is_integer(attributes.priority, 0, 1)
            and where .. ".priority must be 0 or 1"
        or nil
end


local function check_endpoint(value, where, deps)
    if not shape.is_array(value) or #value < 2 or #value > 3 then
        return where .. " must be [address, port] or [address, port, attributes]"
    end
    local reason = value[3] and check_attributes(value[3], where .. "[2]")
    if reason then
        return reason
    end
    if not shape.is_integer(value[2], 1, 65535) then
        return where .. ": the port must be a number from 1 to 65535"
    end
    local bytes = type(value[1]) == "string" and address.parse(value[1])
    if not bytes then
        return where .. ": the address must be a numeric IP address"
    end
    local refusal = deps.refusal(bytes, value[2])
    return refusal and format("%s: %s is %s", where, shape.quoted(value[1]), refusal) or nil
end


local function is_salt(value)
    return type(value) == "string" and #value <= LONGEST_SALT and find(value, "^%x+$") ~= nil
end


--- deps: `refusal(bytes, port)` -> why this is never a destination, or nil
function _M.backend(record, deps)
    return shape.object(record, BACKEND, "the record")
        or array(record.endpoints, MOST_ENDPOINTS, "endpoints")
        or each(record.endpoints, "endpoints", check_endpoint, deps)
        or record.salt ~= nil and not is_salt(record.salt)
            and format("salt must be hexadecimal text of at most %d bytes", LONGEST_SALT)
        or record.health_check ~= nil and resilience.health_check(record.health_check)
        or nil
end


local function check_pem(record, name)
    local pem = record[name]
    if type(pem) ~= "string" or #pem == 0 or #pem > LONGEST_PEM or find(pem, "%z") then
        return name .. " must be PEM text"
    end
end


--- deps: `certificates(pem)` -> true | nil, err: they parse.
function _M.authority(record, deps)
    local reason = shape.object(record, AUTHORITY, "the record")
        or check_pem(record, "certificates")
    if reason then
        return reason
    end
    local ok, err = deps.certificates(record.certificates)
    return not ok and err or nil
end


--- deps: `pair(chain, key)` -> true | nil, err: both parse and fit. No reason holds the key.
function _M.certificate(record, deps)
    local reason = shape.object(record, CERTIFICATE, "the record")
        or check_pem(record, "chain") or check_pem(record, "key")
    if reason then
        return reason
    end
    local ok, err = deps.pair(record.chain, record.key)
    return not ok and err or nil
end


local function check_unrouted(unrouted, deps)
    return shape.object(unrouted, UNROUTED, "unrouted")
        or check_class(unrouted.class, "unrouted")
        or check_policies(unrouted.policies, "unrouted.policies", deps)
end


--- deps: `policies`. Most members are defaults of the policies of the same name.
function _M.setting(record, deps)
    if not shape.is_object(record) then
        return "the record must be an object"
    end
    for name, value in pairs(record) do
        local reason
        if SETTINGS[name] then
            reason = deps.policies[name].validate(value, deps)
        elseif OTHER_SETTINGS[name] then
            reason = OTHER_SETTINGS[name](value)
        elseif name == "unrouted" then
            reason = check_unrouted(value, deps)
        elseif name ~= "digest" then
            reason = "the record has an unknown member " .. shape.quoted(name)
        end
        if reason then
            return reason
        end
    end
end


_M.htpasswd = htpasswd_record.refusal
_M.passthrough = stream_record.refusal
_M.stream = stream_record.refusal


--- Why the record under this key is refused, or nil.
function _M.refusal(key, record, deps)
    local kind = record_key.kind(key)
    if not kind then
        return "the key has no form of a record's"
    end
    if type(record) ~= "table" then
        return "the record must be an object"
    end
    local digest = record.digest
    if not shape.is_text(digest, LONGEST_DIGEST) or digest == "" then
        return format("digest must be text of at most %d bytes", LONGEST_DIGEST)
    end
    return _M[kind](record, deps)
end


return _M
