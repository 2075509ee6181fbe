-- The balancer phase: which endpoint a try goes to.
--
-- `ngx.ctx` of a request holds the target that the router chose, which many requests share, so that
-- an ordinary request makes no table. Only a second try gets a state of its own, {target, endpoint,
-- tried, deadline}; a watched request (completion.lua), or one with a deadline, has it from the
-- beginning.

local backends = require "ingress.balance.backend"
local completion = require "ingress.balance.completion"
local counters = require "ingress.counters"
local faults = require "ingress.faults"
local health = require "ingress.health"
local ngx_balancer = require "ngx.balancer"
local store = require "ingress.store"
local more_tries = require("ingress.balance.target").more_tries

local excluded_of = health.excluded
local get_last_failure = ngx_balancer.get_last_failure
local match = string.match
local ngx = ngx
local ngx_now = ngx.now
local ngx_var = ngx.var
local pick = backends.pick
local set_current_peer = ngx_balancer.set_current_peer
local set_more_tries = ngx_balancer.set_more_tries
local set_timeouts = ngx_balancer.set_timeouts
local value_of = store.value

-- NGX_BUSY: "no live upstreams", 502. In this phase only a patched NGINX (OpenResty) could answer
-- with a status of our choice.
local NO_PEER = -3

local GATEWAY_FAILURES = { [502] = "error", [504] = "timeout" }

local _M = {}


--- Whether somebody has to see the end of a request to this target.
function _M.needs_watch(target)
    return target.watched or health.needs_watch(value_of(target.entry))
end


local function send_to(endpoint)
    local ok, err = set_current_peer(endpoint.host, endpoint.port)
    if not ok then
        error(endpoint.id .. ": " .. err)
    end
end


local function prepare_tries(target, count)
    local timeouts = target.timeouts
    if timeouts then
        set_timeouts(timeouts.connect, timeouts.send, timeouts.read)
    end
    local more = more_tries(target, count)
    if more > 0 then
        set_more_tries(more)
    end
    local budget = target.budget
    budget.first_tries = budget.first_tries + 1
end


-- Makes a state of this request alone ready for a next try.
local function own_state(state, endpoint)
    local seconds = state.target.retry_seconds
    state.endpoint = endpoint
    state.tried = { [endpoint.id] = true }
    state.deadline = seconds > 0 and ngx_now() + seconds or nil
    return state
end


-- A watched request may try whether an ejected endpoint is back.
local function pick_watched(backend, state)
    local target = state.target
    local endpoint = pick(backend, target, health.excluded_but_due(backend))
    local claimed = endpoint and health.claim_probe(backend, endpoint.id)
    if claimed == false then
        backends.done(target, endpoint.id)
        endpoint = pick(backend, target, excluded_of(backend))
    end
    state.probing = claimed or nil
    return endpoint
end


-- @param own  the state of a watched request, else nil
local function first_try(target, own)
    local backend = value_of(target.entry)
    local endpoint
    if own then
        endpoint = backend and pick_watched(backend, own)
    else
        endpoint = backend and pick(backend, target, excluded_of(backend))
    end
    if not endpoint then
        return ngx.exit(NO_PEER)
    end
    prepare_tries(target, #backend.endpoints)
    if own or target.retry_seconds > 0 then
        ngx.ctx = own_state(own or { target = target }, endpoint)
    end
    return send_to(endpoint)
end


-- What became of the try before this one. Its status is NGINX's own unless a header had come; then
-- it is one of `proxy_next_upstream`.
local function last_outcome()
    local kind, status = get_last_failure()
    -- "next": 403 or 404.
    if kind ~= "failed" then
        return {}
    end
    local header_seconds = match(ngx_var.upstream_header_time or "", "([%d.-]+)%s*,[^,]*$")
    local answered = header_seconds and header_seconds ~= "-"
    return { reason = not answered and GATEWAY_FAILURES[status]
        or completion.failure_of_status(status) }
end


-- One that was not tried yet; rather one that is left out otherwise than one that was tried.
local function pick_next(backend, state)
    local tried, excluded = state.tried, excluded_of(backend)
    if not excluded then
        return pick(backend, state.target, tried)
    end
    local unwanted = {}
    for _, set in ipairs({ tried, excluded }) do
        for id in pairs(set) do
            unwanted[id] = true
        end
    end
    local endpoint = pick(backend, state.target, unwanted)
    if endpoint and tried[endpoint.id] then
        -- Chosen, and not used after all.
        backends.done(state.target, endpoint.id)
        return pick(backend, state.target, tried)
    end
    return endpoint
end


local function may_retry(state)
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


local function next_try(state)
    completion.end_try(state, last_outcome())
    -- The failure may be news to this request only: the endpoints may have changed since it came.
    store.refresh()
    local backend = value_of(state.target.entry)
    local endpoint = backend and may_retry(state) and pick_next(backend, state)
    if not endpoint then
        return ngx.exit(NO_PEER)
    end
    state.tried[endpoint.id] = true
    state.endpoint = endpoint
    ngx.ctx = state
    return send_to(endpoint)
end


--- One try of the current request.
_M.run = faults.guarded(function()
    local context = ngx.ctx
    local target = context.target
    if not target then
        if get_last_failure() then
            local endpoint = { id = completion.last_endpoint_id() }
            return next_try(own_state({ target = context }, endpoint))
        end
        return first_try(context)
    elseif context.tried then
        return next_try(context)
    end
    return first_try(target, context)
end, function()
    local context = ngx.ctx
    return "backend " .. (context.target or context).name
end)


return _M
