-- How much one client may ask for: acted on by limit.lua.

local address_set = require "ingress.pure.address_set"
local shape = require "ingress.pure.shape"
local template = require "ingress.pure.template_record"

local format = string.format

local MOST_RANGES = 256
-- What a worker can count for one client.
local MOST_CONNECTIONS = 65535
local MOST = {
    rps = 1000000, rpm = 1000000, burst_multiplier = 1000, connections = MOST_CONNECTIONS,
    rate = 2 ^ 40, rate_after = 2 ^ 40,
}
local LEAST_STATUS, MOST_STATUS = 400, 599
local MEMBERS = {
    rps = true, rpm = true, burst_multiplier = true, connections = true, rate = true,
    rate_after = true, allow = true, key = true, rate_status = true, connection_status = true,
}

local _M = {}


local function check_numbers(value)
    for name, most in pairs(MOST) do
        if value[name] ~= nil and not shape.is_integer(value[name], 1, most) then
            return format("limits.%s must be a whole number from 1 on", name)
        end
    end
    for _, name in ipairs({ "rate_status", "connection_status" }) do
        local status = value[name]
        if status ~= nil and not shape.is_integer(status, LEAST_STATUS, MOST_STATUS) then
            return format("limits.%s must be a status from 400 to 599", name)
        end
    end
end


function _M.validate(value)
    return shape.object(value, MEMBERS, "limits")
        or check_numbers(value)
        or address_set.refusal(value.allow, MOST_RANGES, "limits.allow")
        or value.key ~= nil and template.refusal(value.key, "limits.key")
        or nil
end


function _M.compile(value, route, templates)
    local key_of = value.key and templates.compile(value.key, route)
    -- Policies are loaded without NGINX, too.
    return require("ingress.limit").compile(value, route, key_of)
end


return _M
