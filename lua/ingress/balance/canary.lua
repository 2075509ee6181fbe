-- Canaries: which arm of a route takes a request, if any. The order is that of ingress-nginx, for
-- any number of arms: headers, then cookies, then weights. Sessions come before, if they are sticky
-- (target.lua).
--
-- A client that is known by a key has its place among the weights once and for all: an arm that
-- gets more weight keeps those that it has.

local hash = require "ingress.pure.hash"
local path_regex = require "ingress.path_regex"
local rendezvous = require "ingress.pure.rendezvous"
local template = require "ingress.template"

local ngx_var = ngx.var
local random = math.random

local MAIN = "main"

local _M = {}


local function header_rule(header)
    return header and {
        variable = "http_" .. header.name:gsub("-", "_"),
        value = header.value,
        pattern = header.pattern,
    }
end


-- Of the object, so that a new version behind the same canary keeps its clients.
local function seed_of(arm, seen)
    local origin = arm.origin
    local name = ("%s %s/%s"):format(origin.kind, origin.namespace, origin.name)
    seen[name] = (seen[name] or 0) + 1
    return hash.hash(name .. " " .. seen[name])
end


--- @param route   record, with `canary` and `canaries`
-- @param targets array of the targets of the arms
function _M.compile(route, targets)
    local decision = route.canary
    local arms, candidates, seen, up_to = {}, {}, {}, 0
    for i, arm in ipairs(route.canaries) do
        up_to = up_to + arm.weight
        arms[i] = {
            target = targets[i],
            header = header_rule(arm.header),
            cookie = arm.cookie and "cookie_" .. arm.cookie,
            weight = arm.weight,
            up_to = up_to,
            seed = seed_of(arm, seen),
        }
        candidates[i] = arms[i]
    end
    candidates[#candidates + 1] = { seed = hash.hash(MAIN), weight = decision.total - up_to }
    return {
        total = decision.total,
        -- Sessions decide before.
        sticky = decision.sticky,
        key = decision.key and template.compile(decision.key, route),
        arms = arms,
        candidates = candidates,
    }
end


local function verdict_of_word(word)
    if word == "always" then
        return true
    elseif word == "never" then
        return false
    end
end


-- true: the arm takes the request, false: it does not, nil: others decide; and an error when a
-- pattern took too long.
local function verdict_of_header(rule)
    local value = ngx_var[rule.variable]
    if not value then
        return nil
    elseif rule.value then
        return value == rule.value or nil
    elseif not rule.pattern then
        return verdict_of_word(value)
    end
    local found, err = path_regex.finds(value, rule.pattern)
    if err then
        return false, err
    end
    return found or nil
end


local function arm_by_header(arms, refusing)
    local exhausted
    for i = 1, #arms do
        local header, verdict = arms[i].header, nil
        if header and exhausted and header.pattern then
            verdict = false
        elseif header then
            local err
            verdict, err = verdict_of_header(header)
            exhausted = exhausted or err
        end
        if verdict then
            return arms[i]
        elseif verdict == false then
            refusing[arms[i]] = true
        end
    end
end


local function arm_by_cookie(arms, refusing)
    for i = 1, #arms do
        local arm = arms[i]
        if arm.cookie and not refusing[arm] then
            local verdict = verdict_of_word(ngx_var[arm.cookie])
            if verdict then
                return arm
            elseif verdict == false then
                refusing[arm] = true
            end
        end
    end
end


local function arm_by_weight(canary, client)
    local key = canary.key and canary.key()
    if not key or key == "" then
        key = client
    end
    if key then
        return rendezvous.choose(canary.candidates, key)
    end
    local ticket = random(canary.total)
    for i = 1, #canary.arms do
        if ticket <= canary.arms[i].up_to then
            return canary.arms[i]
        end
    end
end


--- The target of the arm that takes the current request; nil: the main backends do.
-- @param client what is known to be the same for all requests of a client, or nil
function _M.choose(canary, client)
    -- An arm that refuses leaves its share to the main backends.
    local refusing = {}
    local arm = arm_by_header(canary.arms, refusing) or arm_by_cookie(canary.arms, refusing)
        or arm_by_weight(canary, client)
    return arm and not refusing[arm] and arm.target or nil
end


return _M
