-- Validation of members that routes have, and canaries or settings, too.

local shape = require "ingress.pure.shape"

local find = string.find
local format = string.format

local LONGEST_TEXT = 1024

local ORIGIN = { "kind", "namespace", "name", "service", "port" }
local ORIGIN_MEMBERS = { kind = true, namespace = true, name = true, service = true, port = true }

local _M = {}


--- Policies by name.
-- @param deps `policies` {name: {validate(value, deps)}}
function _M.policies(policies, where, deps)
    if not shape.is_object(policies) then
        return where .. " must be an object"
    end
    for name, value in pairs(policies) do
        local policy = deps.policies[name]
        local reason
        if policy then
            reason = policy.validate(value, deps)
        else
            reason = "unknown policy " .. shape.quoted(name)
        end
        if reason then
            return format("%s: %s", where, reason)
        end
    end
end


--- The object that a route is of, in the words of the access log.
function _M.origin(origin, where)
    local reason = shape.object(origin, ORIGIN_MEMBERS, where)
    if reason then
        return reason
    end
    for _, name in ipairs(ORIGIN) do
        if not shape.is_text(origin[name], LONGEST_TEXT) then
            return format("%s.%s must be text", where, name)
        end
    end
end


--- A location class; nil is the ordinary one.
function _M.class(class, where)
    if class == nil then
        return nil
    end
    local valid = type(class) == "string" and #class <= 64 and find(class, "^c[0-9a-f]+$")
    return not valid and where .. ".class must be the name of a location class" or nil
end


return _M
