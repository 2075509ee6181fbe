-- Validation of the record of a backend, with its endpoints.

local address = require "ingress.pure.address"
local resilience = require "ingress.pure.resilience_record"
local shape = require "ingress.pure.shape"

local find = string.find
local format = string.format

local MOST_ENDPOINTS = 20000
local LONGEST_SALT = 128

local BACKEND = { digest = true, endpoints = true, health_check = true, salt = true }
local ATTRIBUTES = { draining = true, priority = true }

local _M = {}


local function check_attributes(attributes, where)
    return shape.object(attributes, ATTRIBUTES, where)
        or attributes.draining ~= nil and attributes.draining ~= true
            and where .. ".draining must be true or absent"
        or attributes.priority ~= nil and not shape.is_integer(attributes.priority, 0, 1)
            and where .. ".priority must be 0 or 1"
        or nil
end


local function check_endpoint(value, where, deps)
    if not shape.is_array(value) or #value < 2 or #value > 3 then
        return where .. " must be [address, port] or [address, port, attributes]"
    end
    local reason = value[3] and check_attributes(value[3], where .. "[2]")
    if reason then
        return reason
    end
    if not shape.is_integer(value[2], 1, 65535) then
        return where .. ": the port must be a number from 1 to 65535"
    end
    local bytes = type(value[1]) == "string" and address.parse(value[1])
    if not bytes then
        return where .. ": the address must be a numeric IP address"
    end
    local refusal = deps.refusal(bytes, value[2])
    return refusal and format("%s: %s is %s", where, shape.quoted(value[1]), refusal) or nil
end


-- A port of checks alone: an address may be a destination at some ports only.
local function check_port(record, deps)
    local port = record.health_check.port
    if port == nil then
        return nil
    end
    return shape.each(record.endpoints, "endpoints", function(value, where)
        return check_endpoint({ value[1], port }, where, deps)
    end)
end


local function is_salt(value)
    return type(value) == "string" and #value <= LONGEST_SALT and find(value, "^%x+$") ~= nil
end


--- Why the record of a backend is refused, or nil.
-- @param deps `refusal(bytes, port)` -> why this is never a destination, or nil
function _M.refusal(record, deps)
    return shape.object(record, BACKEND, "the record")
        or shape.list(record.endpoints, MOST_ENDPOINTS, "endpoints")
        or shape.each(record.endpoints, "endpoints", check_endpoint, deps)
        or record.salt ~= nil and not is_salt(record.salt)
            and format("salt must be hexadecimal text of at most %d bytes", LONGEST_SALT)
        or record.health_check ~= nil
            and (resilience.health_check(record.health_check) or check_port(record, deps))
        or nil
end


return _M
