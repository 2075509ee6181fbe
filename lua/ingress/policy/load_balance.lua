-- How the endpoint of a request is chosen; acted on by the balancer (target.lua, backend.lua).

local algorithms = require "ingress.picker.registry"
local shape = require "ingress.pure.shape"
local template = require "ingress.pure.template_record"

local MOST_MEMBERS = 1000
local LONGEST_START = 86400
local MEMBERS = { algorithm = true, key = true, subset_size = true, slow_start = true }

local _M = {}


local function check_key(value)
    if value.key == nil then
        return algorithms.hashes[value.algorithm]
            and "load_balance.key must say what " .. value.algorithm .. " goes by" or nil
    end
    return template.refusal(value.key, "load_balance.key")
end


local function check_numbers(value)
    return value.subset_size ~= nil and not shape.is_integer(value.subset_size, 1, MOST_MEMBERS)
            and "load_balance.subset_size must be a whole number up to " .. MOST_MEMBERS
        or value.slow_start ~= nil and not shape.is_integer(value.slow_start, 1, LONGEST_START)
            and "load_balance.slow_start must be a whole number of seconds"
        or nil
end


function _M.validate(value)
    return shape.object(value, MEMBERS, "load_balance")
        or (type(value.algorithm) ~= "string" or not algorithms.by_name[value.algorithm])
            and "load_balance.algorithm: there is no " .. shape.quoted(value.algorithm)
        or check_key(value)
        or check_numbers(value)
        or nil
end


return _M
