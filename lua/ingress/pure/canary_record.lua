-- Validation of what a route says about canaries: arms that take a share of its requests.

local affinity = require "ingress.policy.affinity"
local record_key = require "ingress.pure.record_key"
local member = require "ingress.pure.route_member"
local shape = require "ingress.pure.shape"
local template = require "ingress.pure.template_record"

local find = string.find
local format = string.format

local MOST_ARMS = 100
local MOST_WEIGHT = 1000000
local LONGEST_NAME = 128
local LONGEST_TEXT = 1024

local DECISION = { total = true, key = true, sticky = true }
local ARM = {
    backend = true, weight = true, header = true, cookie = true, policies = true, origin = true,
}
local HEADER = { name = true, value = true, pattern = true }
local POLICIES = { load_balance = true, affinity = true }

local _M = {}


local function check_decision(value, where)
    return shape.object(value, DECISION, where)
        or not shape.is_integer(value.total, 1, MOST_WEIGHT)
            and format("%s.total must be a whole number up to %d", where, MOST_WEIGHT)
        or type(value.sticky) ~= "boolean" and where .. ".sticky must be true or false"
        or value.key ~= nil and template.refusal(value.key, where .. ".key")
        or nil
end


local function check_condition(header, where, deps)
    if header.value ~= nil and header.pattern ~= nil then
        return where .. " must not have both a value and a pattern"
    end
    if header.value ~= nil and not shape.is_text(header.value, LONGEST_TEXT) then
        return format("%s.value must be text of at most %d bytes", where, LONGEST_TEXT)
    end
    if header.pattern == nil then
        return nil
    end
    if not shape.is_text(header.pattern, LONGEST_TEXT) then
        return format("%s.pattern must be text of at most %d bytes", where, LONGEST_TEXT)
    end
    local ok, err = deps.compiles(header.pattern)
    return not ok and format("%s.pattern is no regular expression: %s", where, err) or nil
end


local function check_header(header, where, deps)
    if header == nil then
        return nil
    end
    local reason = shape.object(header, HEADER, where)
    if reason then
        return reason
    end
    local name = header.name
    if type(name) ~= "string" or #name > LONGEST_NAME or not find(name, "^[a-z0-9_-]+$") then
        return where .. ".name must be the name of a header in lower case"
    end
    return check_condition(header, where, deps)
end


local function check_policies(policies, where, deps)
    return shape.object(policies, POLICIES, where) or member.policies(policies, where, deps)
end


local function check_arm(arm, where, deps)
    return shape.object(arm, ARM, where)
        or record_key.kind(arm.backend) ~= "backend" and where .. ".backend must be a backend key"
        or not shape.is_integer(arm.weight, 0, MOST_WEIGHT)
            and format("%s.weight must be a whole number up to %d", where, MOST_WEIGHT)
        or check_header(arm.header, where .. ".header", deps)
        or arm.cookie ~= nil and not affinity.is_cookie_name(arm.cookie)
            and where .. ".cookie must be the name of a cookie"
        or check_policies(arm.policies, where .. ".policies", deps)
        or member.origin(arm.origin, where .. ".origin")
        or nil
end


local function check_arms(arms, total, where, deps)
    if not shape.is_array(arms) or #arms > MOST_ARMS then
        return format("%s must be a list of at most %d arms", where, MOST_ARMS)
    end
    local sum = 0
    for i, arm in ipairs(arms) do
        local reason = check_arm(arm, format("%s[%d]", where, i - 1), deps)
        if reason then
            return reason
        end
        sum = sum + arm.weight
    end
    return sum > total and format("%s: the weights are more than the total", where) or nil
end


--- Why `canary` and `canaries` of a route are refused, or nil.
-- @param deps of the route (host_record.lua)
function _M.refusal(route, where, deps)
    if route.canary == nil and route.canaries == nil then
        return nil
    end
    if route.canary == nil or route.canaries == nil then
        return where .. " must have both canary and canaries or none of them"
    end
    return check_decision(route.canary, where .. ".canary")
        or check_arms(route.canaries, route.canary.total, where .. ".canaries", deps)
end


return _M
