-- The backends of a route with what the balancer needs to know of the route: decided once, when the
-- route is first used.

local algorithms = require "ingress.picker.registry"
local hash_key = require "ingress.hash_key"
local retry_budget = require "ingress.retry_budget"
local store = require "ingress.store"

local min = math.min
local random = math.random

-- What nginx.conf says (docs/control-api.md), in seconds: other limits are set for each request.
local CONFIGURED = { connect = 5, read = 60, send = 60 }
local DEFAULT_TRIES = 3
local DEFAULT_LOAD_BALANCE = { algorithm = "round_robin" }

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


local function upstream_name(key)
    local namespace, service, port = key:match("^backend/([^/]*)/([^/]*)/([^/]*)$")
    return namespace .. "-" .. service .. "-" .. port
end


-- Routes with the same settings share a picker of a backend.
local function picker_id(load_balance)
    return ("%s %s"):format(load_balance.algorithm, load_balance.subset_size or "-")
end


-- Whether the picker, or the count of failures, has to see the end of each request.
local function is_watched(load_balance, ejection)
    return algorithms.watches[load_balance.algorithm]
        or ejection ~= nil and ejection.failures > 0 and ejection.server_errors
end


--- Targets of a route record: an array of {entry, name, load_balance, picker_id, key, tries,
-- retry_seconds, timeouts, budget, watched} with `total`, the sum of the weights. `key`: function
-- that tells what the hash of a request goes by; `tries` 0: as many as there are endpoints;
-- `watched`: somebody has to see the end of each request.
function _M.compile(route)
    local setting = store.setting()
    local retries, global = route.policies.retries or {}, setting.retries or {}
    local timeouts = effective_timeouts(route.policies.timeouts, setting.timeouts)
    local load_balance = route.policies.load_balance or setting.load_balance
        or DEFAULT_LOAD_BALANCE
    local key = load_balance.key and hash_key.compile(load_balance.key, route)
    local targets = { total = 0 }
    for _, weighted in ipairs(route.backends) do
        if weighted.weight > 0 then
            targets.total = targets.total + weighted.weight
            targets[#targets + 1] = {
                entry = store.entry("backend", weighted.backend),
                name = upstream_name(weighted.backend),
                up_to = targets.total,
                load_balance = load_balance,
                picker_id = picker_id(load_balance),
                key = key,
                tries = retries.tries or global.tries or DEFAULT_TRIES,
                retry_seconds = retries.timeout or global.timeout or 0,
                timeouts = timeouts,
                budget = retry_budget.of(weighted.backend, setting.retry_budget, ngx.now()),
                watched = is_watched(load_balance, setting.ejection),
            }
        end
    end
    return targets
end


--- One target by weight; nil when the route has none.
function _M.choose(targets)
    if not targets[2] then
        return targets[1]
    end
    local ticket = random(targets.total)
    for i = 1, #targets do
        if ticket <= targets[i].up_to then
            return targets[i]
        end
    end
end


--- How many more peers may be tried after the first, when there are `count` endpoints.
function _M.more_tries(target, count)
    return target.tries == 0 and count - 1 or min(target.tries, count) - 1
end


return _M
