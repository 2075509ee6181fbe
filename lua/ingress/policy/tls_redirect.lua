-- A request over plain HTTP is sent to https.

local client_url = require "ingress.pure.client_url"
local shape = require "ingress.pure.shape"

local MEMBERS = { code = true, port = true, drop_slash = true }
local CODES = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "tls_redirect")
        or not CODES[value.code] and "tls_redirect.code must be 301, 302, 303, 307 or 308"
        or not shape.is_integer(value.port, 1, 65535) and "tls_redirect.port must be a port"
        or value.drop_slash ~= nil and value.drop_slash ~= true
            and "tls_redirect.drop_slash must be true or absent"
        or nil
end


function _M.apply(value)
    local var = ngx.var
    if client_url.scheme(var) ~= "http" then
        return
    end
    local target = client_url.target(var)
    if value.drop_slash and target:sub(-1) == "/" then
        target = target:sub(1, -2)
    end
    return ngx.redirect(client_url.origin(var, "https", nil, value.port) .. target, value.code)
end


return _M
