-- The header Connection of requests to the backend.

local shape = require "ingress.pure.shape"

local MEMBERS = { header = true }
local WORDS = { close = true, ["keep-alive"] = true }

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "backend_connection")
        or not WORDS[value.header] and "backend_connection.header must be close or keep-alive"
        or nil
end


function _M.apply(value)
    ngx.var.connection_upgrade = value.header
end


return _M
