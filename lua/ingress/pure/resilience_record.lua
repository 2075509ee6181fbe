-- Validation of what records say about failing endpoints: each answers with the reason why a value
-- is refused, or nil.

local record_key = require "ingress.pure.record_key"
local shape = require "ingress.pure.shape"

local find = string.find
local format = string.format
local is_integer = shape.is_integer

local LONGEST = 86400
-- A worker that shuts down waits for its checks.
local LONGEST_CHECK = 60
local LONGEST_PATH = 1024
local MOST_IN_A_ROW = 1000
local MOST_STATUSES = 20

local EJECTION = {
    failures = true, time = true, max_time = true, max_percent = true, server_errors = true,
}
local RETRY_BUDGET = { percent = true, min_per_second = true }
local HEALTH_CHECK = {
    path = true, interval = true, timeout = true, healthy = true, unhealthy = true, host = true,
    port = true, statuses = true, tls = true,
}
local TLS = { name = true, identity = true, handshake = true }

local _M = {}


local function integer(value, name, min, max)
    if not is_integer(value, min, max) then
        return format("%s must be a whole number from %d to %d", name, min, max)
    end
end


--- `ejection` of setting/global.
function _M.ejection(value)
    return shape.object(value, EJECTION, "ejection")
        or integer(value.failures, "ejection.failures", 0, MOST_IN_A_ROW)
        or integer(value.time, "ejection.time", 1, LONGEST)
        or integer(value.max_time, "ejection.max_time", 1, LONGEST)
        or integer(value.max_percent, "ejection.max_percent", 0, 100)
        or type(value.server_errors) ~= "boolean" and "ejection.server_errors must be true or false"
        or nil
end


--- `retry_budget` of setting/global.
function _M.retry_budget(value)
    return shape.object(value, RETRY_BUDGET, "retry_budget")
        or integer(value.percent, "retry_budget.percent", 0, 1000)
        or integer(value.min_per_second, "retry_budget.min_per_second", 0, 100000)
end


-- It becomes a part of the request that checks.
local function check_line(value, name, pattern)
    if not shape.is_text(value, LONGEST_PATH) or not find(value, pattern) then
        return "health_check." .. name .. " cannot be part of a request"
    end
end


local function check_statuses(list)
    if not shape.is_array(list) or #list == 0 or #list > MOST_STATUSES then
        return format("health_check.statuses must be a list of 1 to %d ranges", MOST_STATUSES)
    end
    for _, range in ipairs(list) do
        local valid = shape.is_array(range) and #range == 2
            and is_integer(range[1], 100, 599) and is_integer(range[2], range[1], 599)
        if not valid then
            return "health_check.statuses must be ranges [from, to] of statuses"
        end
    end
end


local function check_times(value)
    return integer(value.interval, "health_check.interval", 1, LONGEST)
        or integer(value.timeout, "health_check.timeout", 1, LONGEST_CHECK)
        or integer(value.healthy, "health_check.healthy", 1, MOST_IN_A_ROW)
        or integer(value.unhealthy, "health_check.unhealthy", 1, MOST_IN_A_ROW)
end


local function check_tls(tls)
    return shape.object(tls, TLS, "health_check.tls")
        or tls.name ~= nil and check_line(tls.name, "tls.name", "^[%w._-]+$")
        or tls.identity ~= nil and record_key.kind(tls.identity) ~= "certificate"
            and "health_check.tls.identity must be a certificate key"
        or tls.handshake ~= nil and tls.handshake ~= true
            and "health_check.tls.handshake must be true or absent"
        or nil
end


--- `health_check` of a backend.
function _M.health_check(value)
    return shape.object(value, HEALTH_CHECK, "health_check")
        or check_line(value.path, "path", "^/[!-~]*$")
        or check_times(value)
        or value.host ~= nil and check_line(value.host, "host", "^[%w.:%[%]_-]+$")
        or value.port ~= nil and integer(value.port, "health_check.port", 1, 65535)
        or value.statuses ~= nil and check_statuses(value.statuses)
        or value.tls ~= nil and check_tls(value.tls)
        or nil
end


return _M
