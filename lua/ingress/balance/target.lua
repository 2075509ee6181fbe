-- The backends of a route with what the balancer needs to know of the route: decided once, when the
-- route is first used.

local affinity = require "ingress.balance.affinity"
local algorithms = require "ingress.picker.registry"
local backends = require "ingress.balance.backend"
local canary = require "ingress.balance.canary"
local choice = require "ingress.balance.choice"
local record_key = require "ingress.pure.record_key"
local retry_budget = require "ingress.balance.retry_budget"
local store = require "ingress.store"
local template = require "ingress.template"

local has_endpoint = backends.has_endpoint
local monotonic_time = require("resty.core.time").monotonic_time
local random = math.random
local read_session = affinity.read

-- What nginx.conf says (docs/control-api.md), in seconds: other limits are set for each request.
local CONFIGURED = { connect = 5, read = 60, send = 60 }
local DEFAULT_TRIES = 3

local _M = {}


local function effective_timeouts(own, global)
    own, global = own or {}, global or {}
    local connect = own.connect or global.connect or CONFIGURED.connect
    local read = own.read or global.read or CONFIGURED.read
    local send = own.send or global.send or CONFIGURED.send
    if connect == CONFIGURED.connect and read == CONFIGURED.read and send == CONFIGURED.send then
        return nil
    end
    return { connect = connect, read = read, send = send }
end


--- Of a backend, as ingress-nginx writes it.
function _M.upstream_name(key)
    local namespace, service, port = record_key.backend_parts(key)
    return namespace .. "-" .. service .. "-" .. port
end


-- Whether the end of a request makes room for another one of its client.
local function counts_connections(policies)
    return policies.limits ~= nil and policies.limits.connections ~= nil
end


-- How the endpoint is chosen, by the policies of a route or of an arm of it.
local function add_choice(target, policies, common)
    local load_balance = policies.load_balance or common.setting.load_balance
    local affinity_policy = policies.affinity
    if affinity_policy then
        target.affinity = affinity.compile(affinity_policy, target.entry.key)
    end
    -- Balanced sessions need no picker.
    if not load_balance or affinity_policy and affinity_policy.mode == "balanced" then
        load_balance = choice.DEFAULT
    end
    choice.apply(target, load_balance, function(key)
        return template.compile(key, common.route)
    end)
    -- Whether the picker, or the count of failures or connections, has to see the end of requests.
    local ejection = common.setting.ejection
    target.watched = algorithms.watches[load_balance.algorithm]
        or ejection ~= nil and ejection.failures > 0 and ejection.server_errors
        or counts_connections(common.route.policies)
        -- NGINX asks a second backend, and it shows no more what became of the first.
        or common.route.policies.custom_errors ~= nil
end


local function new_target(key, policies, common)
    local retries, global = common.route.policies.retries or {}, common.setting.retries or {}
    local target = {
        entry = store.entry("backend", key),
        name = _M.upstream_name(key),
        tries = retries.tries or global.tries or DEFAULT_TRIES,
        retry_seconds = retries.timeout or global.timeout or 0,
        timeouts = common.timeouts,
        budget = retry_budget.of(key, common.setting.retry_budget, monotonic_time()),
    }
    add_choice(target, policies, common)
    return target
end


local function add_mains(targets, common)
    for _, weighted in ipairs(common.route.backends) do
        if weighted.weight > 0 then
            local target = new_target(weighted.backend, common.route.policies, common)
            targets.total = targets.total + weighted.weight
            targets.mains = targets.mains + 1
            target.up_to = targets.total
            targets[targets.mains] = target
        end
    end
end


local function add_arms(targets, common)
    local arms, main = {}, targets[1]
    for i, arm in ipairs(common.route.canaries) do
        local target = new_target(arm.backend, arm.policies, common)
        target.alternative, target.name = target.name, main and main.name or target.name
        arms[i] = target
        targets[#targets + 1] = target
    end
    targets.canary = canary.compile(common.route, arms)
end


-- Which cookies tell with which of several targets a session is: array of {variable, by_tag}, that
-- of the main backends first.
local function sessions_of(targets)
    local sessions, by_variable = {}, {}
    for _, target in ipairs(targets) do
        local session = target.affinity
        if session then
            local known = by_variable[session.variable]
            if not known then
                known = { variable = session.variable, by_tag = {} }
                by_variable[session.variable] = known
                sessions[#sessions + 1] = known
            end
            known.by_tag[session.tag] = target
        end
    end
    return sessions[1] and sessions or nil
end


--- Targets of a route record: an array, first those of the main backends, `mains` of them, then
-- those of canaries, of {entry, name, alternative, affinity, load_balance, picker_id, slow_start,
-- key, tries, retry_seconds, timeouts, budget, watched}. `alternative`: the name of a canary;
-- `key`: function that tells what the hash of a request goes by; `tries` 0: as many as there are
-- endpoints; `watched`: somebody has to see the end of each request.
function _M.compile(route)
    local setting = store.setting()
    local timeouts = effective_timeouts(route.policies.timeouts, setting.timeouts)
    local common = { route = route, setting = setting, timeouts = timeouts }
    local targets = { mains = 0, total = 0 }
    add_mains(targets, common)
    if route.canaries and route.canaries[1] then
        add_arms(targets, common)
    end
    if targets[2] or targets.canary then
        targets.sessions = sessions_of(targets)
    else
        targets.only = targets[1]
    end
    return targets
end


-- Backend -> targets under the setting in force, as long as a route has them.
local shared = setmetatable({}, { __mode = "v" })


-- Of one backend, and with nothing that its targets would not have in common with those of others.
local function is_plain(route)
    local own = route.policies
    return #route.backends == 1 and route.backends[1].weight > 0 and not route.canaries
        and not (own.timeouts or own.retries or own.load_balance or own.affinity
            or own.custom_errors)
        and not counts_connections(own)
end


--- As `compile`; plain routes to the same backend have the same targets, not to be changed.
function _M.compile_shared(route)
    if not is_plain(route) then
        return _M.compile(route)
    end
    local key, setting = route.backends[1].backend, store.setting()
    local known = shared[key]
    if not known or known.setting ~= setting then
        known = _M.compile(route)
        known.setting = setting
        shared[key] = known
    end
    return known
end


--- The one target of requests that go to a backend for no other reason than that it is the default.
-- @param key of the backend
function _M.default(key)
    return _M.compile_shared({ backends = { { backend = key, weight = 1 } }, policies = {} })
end


-- The target that a session of the client is with, and what is the same in all its requests.
local function session_target(sessions)
    local client
    for i = 1, #sessions do
        local token, tag = read_session(sessions[i].variable)
        client = client or token
        local target = token and sessions[i].by_tag[tag]
        if target then
            return target, client
        end
    end
    return nil, client
end


local function main_target(targets)
    local ticket = targets.mains > 1 and random(targets.total) or 1
    for i = 1, targets.mains do
        if ticket <= targets[i].up_to then
            return targets[i]
        end
    end
end


local function one_of_several(targets)
    local target, client
    if targets.sessions then
        target, client = session_target(targets.sessions)
    end
    local canaries = targets.canary
    if canaries and not (target and canaries.sticky) then
        target = canary.choose(canaries, client) or target and not target.alternative and target
    end
    -- A canary without endpoints takes nothing away.
    if not target or target.alternative and not has_endpoint(target) then
        return main_target(targets)
    end
    return target
end


--- One target for the current request; nil when the route has none.
function _M.choose(targets)
    return targets.only or one_of_several(targets)
end


return _M
