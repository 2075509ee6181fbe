-- The declared size of the request's body. NGINX checks it against `client_max_body_size` only
-- before an internal redirect, not again in the location class; undeclared (chunked) bodies are
-- bounded by the class itself.

local shape = require "ingress.pure.shape"

local tonumber = tonumber

local MEMBERS = { max = true }

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "body_size")
        or not shape.is_integer(value.max, 0) and "body_size.max must be a whole number of bytes"
        or nil
end


function _M.apply(value)
    if value.max == 0 then
        return
    end
    local length = tonumber(ngx.var.content_length)
    if length and length > value.max then
        return ngx.exec("@error_413")
    end
end


return _M
