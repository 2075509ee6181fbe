-- Errors that are answered with the page of a default backend: those of the class of the route,
-- whose directives send them to `location @custom_errors` (custom_error.lua).

local shape = require "ingress.pure.shape"

local MEMBERS = { statuses = true }
-- NGINX has a meaning of its own for these.
local NEVER = { [444] = true, [499] = true }
local MOST = 200

local _M = {}


local function is_status(value)
    return shape.is_integer(value, 400, 599) and not NEVER[value]
end


function _M.validate(value)
    local reason = shape.object(value, MEMBERS, "custom_errors")
    if reason then
        return reason
    end
    local statuses = value.statuses
    if not shape.is_array(statuses) or #statuses == 0 or #statuses > MOST then
        return "custom_errors.statuses must be a list of statuses"
    end
    for _, status in ipairs(statuses) do
        if not is_status(status) then
            return "custom_errors.statuses must be from 400 to 599, without 444 and 499"
        end
    end
end


return _M
