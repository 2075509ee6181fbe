-- Which clients may come, by their address: those of `allow`, or all where it is absent, and never
-- those of `deny`.

local address_set = require "ingress.pure.address_set"
local shape = require "ingress.pure.shape"

local FORBIDDEN = 403
local MOST_RANGES = 1000
local MEMBERS = { allow = true, deny = true }

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "access")
        or address_set.refusal(value.allow, MOST_RANGES, "access.allow")
        or address_set.refusal(value.deny, MOST_RANGES, "access.deny")
        or not value.allow and not value.deny and "access must have allow or deny"
        or nil
end


function _M.default(_, setting)
    return setting.access
end


--- @return function: whether the client of the request at hand may come
function _M.test(value)
    local allowed, denied = address_set.of(value.allow), address_set.of(value.deny)
    return function()
        local client = ngx.var.binary_remote_addr
        return not (denied and denied:holds(client) or allowed and not allowed:holds(client))
    end
end


--- Nothing where `satisfy` decides.
function _M.compile(value, route)
    if route.policies.satisfy then
        return nil
    end
    local may_come = _M.test(value)
    return function()
        if not may_come() then
            return ngx.exit(FORBIDDEN)
        end
    end
end


return _M
