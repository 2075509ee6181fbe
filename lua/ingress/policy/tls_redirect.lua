-- A request over plain HTTP is sent to https.

local shape = require "ingress.pure.shape"

local HTTPS_PORT = 443
local MEMBERS = { code = true, port = true }
local CODES = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "tls_redirect")
        or not CODES[value.code] and "tls_redirect.code must be 301, 302, 303, 307 or 308"
        or not shape.is_integer(value.port, 1, 65535) and "tls_redirect.port must be a port"
        or nil
end


--- `pass_access_scheme` is what the client used in front of a trusted proxy.
function _M.apply(value)
    local var = ngx.var
    if (var.pass_access_scheme or var.scheme) ~= "http" then
        return
    end
    local port = value.port == HTTPS_PORT and "" or ":" .. value.port
    -- The request target as the client wrote it, undecoded; an absolute one without its host.
    local target = var.request_uri:gsub("^%a[%w+.-]*://[^/?]*", "")
    if target:sub(1, 1) ~= "/" then
        target = "/" .. target
    end
    return ngx.redirect("https://" .. var.host .. port .. target, value.code)
end


return _M
