-- The declared size of the request's body. NGINX checks it against `client_max_body_size` when it
-- finds a location, not when a named one is entered: so a location class never checks it, only the
-- undeclared (chunked) bodies that it reads.

local shape = require "ingress.pure.shape"

local tonumber = tonumber

local MEMBERS = { max = true }

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "body_size")
        or not shape.is_integer(value.max, 0) and "body_size.max must be a whole number of bytes"
        or nil
end


--- `location /` checks by itself.
function _M.default(route, setting)
    return route.class and setting.body_size
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
