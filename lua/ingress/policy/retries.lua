-- How many peers a request may try, and for how many seconds a next one may be chosen; acted on by
-- the balancer. After which failures is `proxy_next_upstream`, a directive of the location class of
-- the route: `conditions` and `non_idempotent` are here for people who read the record.

local shape = require "ingress.pure.shape"

local MOST_TRIES = 1000000
local LONGEST = 86400 * 365
local MEMBERS = { tries = true, timeout = true, conditions = true, non_idempotent = true }
-- Words of `proxy_next_upstream`.
local CONDITIONS = {
    error = true, timeout = true, invalid_header = true, http_500 = true, http_502 = true,
    http_503 = true, http_504 = true, http_403 = true, http_404 = true, http_429 = true,
    off = true,
}

local _M = {}


local function are_conditions(list)
    if not shape.is_array(list) then
        return false
    end
    for _, word in ipairs(list) do
        if not CONDITIONS[word] then
            return false
        end
    end
    return true
end


function _M.validate(value)
    return shape.object(value, MEMBERS, "retries")
        or value.tries ~= nil and not shape.is_integer(value.tries, 0, MOST_TRIES)
            and "retries.tries must be a whole number"
        or value.timeout ~= nil and not shape.is_integer(value.timeout, 0, LONGEST)
            and "retries.timeout must be a whole number of seconds"
        or value.conditions ~= nil and not are_conditions(value.conditions)
            and "retries.conditions must be a list of conditions of proxy_next_upstream"
        or value.non_idempotent ~= nil and type(value.non_idempotent) ~= "boolean"
            and "retries.non_idempotent must be true or false"
        or nil
end


return _M
