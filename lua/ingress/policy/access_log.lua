-- Requests that the access log has no line for, wherever they are answered: the class of the route
-- has no log, and the variable turns off that of the server.

local shape = require "ingress.pure.shape"

local MEMBERS = { off = true }

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "access_log")
        or value.off ~= true and "access_log.off must be true"
        or nil
end


function _M.apply()
    ngx.var.logged = "0"
end


return _M
