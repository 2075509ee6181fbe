-- Time limits towards the backend, in seconds; acted on by the balancer.

local shape = require "ingress.pure.shape"

local LONGEST = 86400 * 365
local NAMES = { "connect", "read", "send" }
local MEMBERS = { connect = true, read = true, send = true }

local _M = {}


function _M.validate(value)
    local reason = shape.object(value, MEMBERS, "timeouts")
    if reason then
        return reason
    end
    for _, name in ipairs(NAMES) do
        local seconds = value[name]
        if seconds ~= nil and not shape.is_integer(seconds, 1, LONGEST) then
            return "timeouts." .. name .. " must be a whole number of seconds"
        end
    end
end


return _M
