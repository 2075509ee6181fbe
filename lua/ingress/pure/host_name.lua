-- Host names of requests, handshakes and records.

local byte = string.byte
local find = string.find
local lower = string.lower
local sub = string.sub
local gmatch = string.gmatch

local DOT = byte(".")
local OPEN_BRACKET = byte("[")

local _M = {}


local function is_label(text)
    return #text <= 63 and find(text, "^[a-z0-9][a-z0-9-]*$") ~= nil and byte(text, -1) ~= byte("-")
end


--- A lower-case DNS name (RFC 1123 subdomain, at most 253 characters).
function _M.is_dns_name(text)
    if #text == 0 or #text > 253 or find(text, "..", 1, true) or byte(text, -1) == DOT then
        return false
    end
    for label in gmatch(text .. ".", "([^.]*)%.") do
        if not is_label(label) then
            return false
        end
    end
    return true
end


--- The host of a record: a DNS name, `*.` and a DNS name, or `_` (any host).
function _M.is_record_host(text)
    if text == "_" then
        return true
    end
    return _M.is_dns_name(sub(text, 1, 2) == "*." and sub(text, 3) or text)
end


-- Of a name in a Host header: more than DNS has, but nothing that ends a host in a URL. Old NGINX
-- lets that pass, and a backend might take what follows `@` for the host.
local NAME = "^[%w._~\128-\255-]*$"
local ADDRESS = "^%[[%x:.]+%]$"


local function is_host(text)
    return find(text, NAME) or find(text, ADDRESS)
end


--- What NGINX makes of a Host header: without port and trailing dot, lower case.
-- Equal to `$host`, unless the request line named another host. Empty, which no `$host` is, for a
-- header that somebody could read differently.
function _M.normalise(header)
    local start = 1
    if byte(header) == OPEN_BRACKET then
        start = find(header, "]", 1, true) or 1
    end
    local colon = find(header, ":", start, true)
    local host = colon and sub(header, 1, colon - 1) or header
    if colon and not find(header, "^%d*$", colon + 1) or not is_host(host) then
        return ""
    end
    if byte(host, -1) == DOT then
        host = sub(host, 1, -2)
    end
    return lower(host)
end


--- The name of a handshake as records have it. RFC 6066 has no trailing dot; some clients do.
function _M.of_handshake(name)
    return lower(byte(name, -1) == DOT and sub(name, 1, -2) or name)
end


--- `*.example.com` for `www.example.com`: one label is replaced; nil when there is only one.
function _M.wildcard(host)
    local dot = find(host, ".", 2, true)
    return dot and "*" .. sub(host, dot) or nil
end


return _M
