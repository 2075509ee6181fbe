-- The balancer phase: which endpoint a try goes to.
--
-- `ngx.ctx` of a request holds the target that the router chose, which many requests share, so that
-- an ordinary request makes no table. Only a second try gets a state of its own, {target, endpoint,
-- tried, deadline}; a watched request (completion.lua), or one with a deadline, has it from the
-- beginning.

local backends = require "ingress.balance.backend"
local completion = require "ingress.balance.completion"
local faults = require "ingress.faults"
local health = require "ingress.health"
local ngx_balancer = require "ngx.balancer"
local store = require "ingress.store"
local tries = require "ingress.balance.tries"

local excluded_of = health.excluded
local get_last_failure = ngx_balancer.get_last_failure
local match = string.match
local ngx = ngx
local ngx_var = ngx.var
local pick = backends.pick
local send_to = tries.send_to
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


-- Makes a state of this request alone ready for a next try.
local function own_state(state, endpoint)
    state.endpoint = endpoint
    state.tried = { [endpoint.id] = true }
    state.deadline = tries.deadline(state.target.retry_seconds)
    return state
end


-- @param own  the state of a watched request, else nil
local function first_try(target, own)
    local backend = value_of(target.entry)
    local endpoint
    if own then
        endpoint = backend and tries.first(backend, own)
    else
        endpoint = backend and pick(backend, target, excluded_of(backend))
    end
    if not endpoint then
        return ngx.exit(NO_PEER)
    end
    local timeouts = target.timeouts
    if timeouts then
        set_timeouts(timeouts.connect, timeouts.send, timeouts.read)
    end
    tries.prepare(target, #backend.endpoints)
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


local function next_try(state)
    tries.finish(state, last_outcome())
    local endpoint = tries.another(state)
    if not endpoint then
        return ngx.exit(NO_PEER)
    end
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
