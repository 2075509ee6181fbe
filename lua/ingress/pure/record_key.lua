-- Keys of records: `<kind>/<part>/...`. No part holds a `/`, so two objects never share a key.

local address = require "ingress.pure.address"
local host_name = require "ingress.pure.host_name"

local find = string.find
local match = string.match
local sub = string.sub
local tonumber = tonumber

local LONGEST = 512
local LARGEST_PORT = 65535
local DEFAULT_CERTIFICATE = "certificate/default"

local _M = {}


local function is_name(text)
    return text ~= nil and host_name.is_dns_name(text)
end


-- A port number or an IANA service name, as the referrer wrote it.
local function is_port(text)
    return text ~= nil and #text <= 15 and find(text, "^[a-z0-9][a-z0-9-]*$") ~= nil
end


-- What may follow the port: another protocol, or the Service's own address, not its endpoints, or
-- that a DNS name or an IP address stands in place of the Service.
local VARIANTS = { [""] = true, ["@udp"] = true, ["@service"] = true, ["@name"] = true }


local function is_backend(rest)
    local namespace, service, port, variant = match(rest, "^([^/]*)/([^/]*)/([^/@]*)(@?[^/]*)$")
    return is_name(namespace) and is_port(port) and VARIANTS[variant] == true
        and (is_name(service) or variant == "@name" and address.parse(service) ~= nil)
end


local function is_object(rest)
    local namespace, name = match(rest, "^([^/]*)/([^/]*)$")
    return is_name(namespace) and is_name(name)
end


-- `@map`: of a Secret each of whose keys is a user.
local function is_htpasswd(rest)
    local namespace, secret, variant = match(rest, "^([^/]*)/([^/@]*)(@?[^/]*)$")
    return is_name(namespace) and is_name(secret) and (variant == "" or variant == "@map")
end


local CHECKS = {
    host = function(rest)
        local listener, host = match(rest, "^([^/]*)/([^/]*)$")
        return is_name(listener) and host_name.is_record_host(host)
    end,
    backend = is_backend,
    certificate = function(rest)
        return rest == "default" or is_object(rest)
    end,
    authority = is_object,
    htpasswd = is_htpasswd,
    setting = function(rest)
        return rest == "global"
    end,
    stream = function(rest)
        local protocol, port = match(rest, "^(%l+)/([1-9]%d*)$")
        return (protocol == "tcp" or protocol == "udp") and tonumber(port) <= LARGEST_PORT
    end,
    passthrough = function(rest)
        return rest ~= "_" and host_name.is_record_host(rest)
    end,
}


--- The kind of a key: "host", "backend", "certificate", "authority", "htpasswd", "setting",
-- "stream" or "passthrough"; nil when it is no key.
function _M.kind(key)
    if type(key) ~= "string" or #key > LONGEST then
        return nil
    end
    local slash = find(key, "/", 1, true)
    local kind = slash and sub(key, 1, slash - 1)
    local check = CHECKS[kind]
    return check and check(sub(key, slash + 1)) and kind or nil
end


--- Namespace, Service and port in the key of a backend.
function _M.backend_parts(key)
    return match(key, "^backend/([^/]*)/([^/]*)/([^/@]*)")
end


_M.DEFAULT_CERTIFICATE = DEFAULT_CERTIFICATE
_M.GLOBAL_SETTING = "setting/global"

return _M
