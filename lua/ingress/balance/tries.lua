-- The tries of a request or of a connection: which endpoint is next, and what the end of a try
-- tells about an endpoint.
--
-- The state of the tries is {target, endpoint, tried, probing, watched, deadline}: the endpoint of
-- the try under way, the ids of all that were tried, whether this try probes an ejected endpoint,
-- whether the end of each try is seen, until when there may be another.

local backends = require "ingress.balance.backend"
local counters = require "ingress.counters"
local health = require "ingress.health"
local store = require "ingress.store"

local done = backends.done
local excluded_of = health.excluded
local ipairs = ipairs
local ngx_now = ngx.now
local pairs = pairs
local pick = backends.pick

local _M = {}


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


--- Whether there may be another try; who asks is going to have one.
function _M.is_allowed(state)
    local now = ngx_now()
    if state.deadline and now > state.deadline then
        return false
    end
    if not state.target.budget:take(now) then
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


--- One that was not tried yet; rather one that is left out otherwise than one that was tried.
function _M.another(backend, state)
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
