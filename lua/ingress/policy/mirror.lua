-- A copy of each request goes to another server (mirror.lua).

local destination = require "ingress.pure.destination_record"
local shape = require "ingress.pure.shape"

local MEMBERS = { backend = true, tls = true, name = true, host = true, target = true }

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "mirror") or destination.refusal(value, "mirror")
end


function _M.compile(value, route, templates)
    return require("ingress.mirror").compile(value, route, templates)
end


return _M
