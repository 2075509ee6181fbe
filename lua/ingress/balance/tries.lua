-- The tries of a request or of a connection: which endpoint is next, and what the end of a try
-- tells about an endpoint.
--
-- The state of the tries is {target, endpoint, tried, probing, watched, deadline}: the endpoint of
-- the try under way, the ids of all that were tried, whether this try probes an ejected endpoint,
-- whether the end of each try is seen, from when (`milliseconds`) there is no other.

local backends = require "ingress.balance.backend"
local counters = require "ingress.counters"
local health = require "ingress.health"
local ngx_balancer = require "ngx.balancer"
local store = require "ingress.store"
local time = require "resty.core.time"

local done = backends.done
local excluded_of = health.excluded
local ipairs = ipairs
local milliseconds = time.monotonic_msec
local min = math.min
local monotonic_time = time.monotonic_time
local pairs = pairs
local pick = backends.pick
local set_current_peer = ngx_balancer.set_current_peer
local set_more_tries = ngx_balancer.set_more_tries

local _M = {}


--- Sends the try at hand to an endpoint.
function _M.send_to(endpoint)
    local ok, err = set_current_peer(endpoint.host, endpoint.port)
    if not ok then
        error(endpoint.id .. ": " .. err)
    end
end


--- Before the first try: how many more there may be, as long as the budget allows them.
-- @param target {tries, budget}; tries 0: as many as there are endpoints
-- @param count  of the endpoints
function _M.prepare(target, count)
    local more = (target.tries == 0 and count or min(target.tries, count)) - 1
    if more > 0 then
        set_more_tries(more)
    end
    local budget = target.budget
    budget.first_tries = budget.first_tries + 1
end


--- The endpoint of the first try, whose end will be seen: it may find out whether one that was
-- ejected is back. nil when there is none.
function _M.first(backend, state)
    local target = state.target
    local endpoint = pick(backend, target, health.excluded_but_due(backend))
    local claimed = endpoint and health.claim_probe(backend, endpoint.id)
    if claimed == false then
        done(target, endpoint.id)
        endpoint = pick(backend, target, excluded_of(backend))
    end
    state.probing = claimed or nil
    return endpoint
end


--- When the tries of a request that begins now have to end, by the clock of NGINX's own timers: by
-- another a timeout of the same length may seem to end some milliseconds sooner.
-- @param seconds  0: never
function _M.deadline(seconds)
    return seconds > 0 and milliseconds() + seconds * 1000 or nil
end


local function may_go_on(state)
    if state.deadline and milliseconds() >= state.deadline then
        return false
    end
    if not state.target.budget:take(monotonic_time()) then
        counters.add("retry_budget_exhausted")
        return false
    end
    counters.add("retries")
    return true
end


local function union(first, second)
    local all = {}
    for _, set in ipairs({ first, second }) do
        for id in pairs(set) do
            all[id] = true
        end
    end
    return all
end


-- One that was not tried yet; rather one that is left out otherwise than one that was tried.
local function another(backend, state)
    local tried, excluded = state.tried, excluded_of(backend)
    if not excluded then
        return pick(backend, state.target, tried)
    end
    local endpoint = pick(backend, state.target, union(tried, excluded))
    if endpoint and tried[endpoint.id] then
        -- Chosen, and not used after all.
        done(state.target, endpoint.id)
        return pick(backend, state.target, tried)
    end
    return endpoint
end


--- The endpoint of the next try, which is under way then; nil when there is none. The one
-- before has ended.
function _M.another(state)
    -- The failure may be news to this request only: the endpoints may have changed since it came.
    store.refresh()
    local backend = store.value(state.target.entry)
    local endpoint = backend and may_go_on(state) and another(backend, state)
    if not endpoint then
        return nil
    end
    state.tried[endpoint.id] = true
    state.endpoint = endpoint
    return endpoint
end


--- A try failed of which nothing else is known.
-- @param entry  of the backend
-- @param id     of the endpoint
-- @param reason one word: error, timeout, http_<status>
function _M.note_failure(entry, id, reason)
    local backend = store.value(entry)
    if backend then
        health.failed(backend, id, reason)
    end
end


--- The try under way would have failed by now, if it had to.
function _M.settle(state)
    if state.probing then
        state.probing = nil
        health.probed(state.target.entry.key, state.endpoint.id, {})
    end
end


--- A try has ended; there is none under way afterwards.
-- @param outcome {reason, unknown, seconds}: reason: why it failed; unknown: nobody saw an answer
function _M.finish(state, outcome)
    local id, reason, unknown = state.endpoint.id, outcome.reason, outcome.unknown
    local entry, probing = state.target.entry, state.probing
    state.endpoint, state.probing = nil, nil
    if state.watched then
        done(state.target, id, outcome.seconds, reason ~= nil)
    end
    if probing then
        health.probed(entry.key, id, outcome)
    elseif reason then
        _M.note_failure(entry, id, reason)
    elseif not unknown then
        health.succeeded(entry.key, id)
    end
end


return _M
