-- The URL that the client used, in parts; of a port that is that of its scheme there is none.
-- Functions take `ngx.var`.

local find = string.find
local format = string.format
local gsub = string.gsub
local lower = string.lower
local match = string.match
local tonumber = tonumber

local PORTS = { http = 80, https = 443 }

local _M = {}


--- In front of a trusted proxy what the client used there.
function _M.scheme(var)
    return var.pass_access_scheme or var.scheme
end


-- The Host header, or in front of a trusted proxy X-Forwarded-Host.
local function name_of(var)
    local name = var.pass_host or var.http_host
    return name ~= "" and name or nil
end


local function port_of(var)
    return tonumber(match(name_of(var) or "", ":(%d+)$"))
end


-- A request of HTTP/1.0 may have no Host: then the address that it came to, as NGINX does it.
local function host_of(var)
    local name = name_of(var)
    if name then
        return name == var.http_host and var.host or lower((gsub(name, ":%d+$", "")))
    end
    local address = var.server_addr
    return find(address, ":", 1, true) and "[" .. address .. "]" or address
end


--- `scheme://host[:port]`; what is not given is as the client has it. With another scheme and no
-- port it is the port of that scheme.
function _M.origin(var, scheme, host, port)
    port = port or not scheme and port_of(var) or nil
    scheme = scheme or _M.scheme(var)
    local suffix = port and port ~= PORTS[scheme] and ":" .. port or ""
    return format("%s://%s%s", scheme, host or host_of(var), suffix)
end


--- The request target as the client wrote it, not decoded: path and query.
function _M.target(var)
    local target = var.request_uri:gsub("^%a[%w+.-]*://[^/?]*", "")
    return target:sub(1, 1) == "/" and target or "/" .. target
end


--- `?` and the query; empty without one.
function _M.query(var)
    return (var.is_args or "") .. (var.args or "")
end


return _M
