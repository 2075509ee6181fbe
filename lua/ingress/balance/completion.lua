-- The end of tries and of requests: what they tell about an endpoint.
--
-- An ordinary request has no log phase and costs nothing here; it ends here only when NGINX had to
-- answer with an error page. A watched request (dispatch.lua) always does.

local address = require "ingress.pure.address"
local faults = require "ingress.faults"
local health = require "ingress.health"
local request_key = require "ingress.request_key"
local router = require "ingress.router"
local tries = require "ingress.balance.tries"

local match = string.match
local ngx_var = ngx.var
local tonumber = tonumber

-- Error pages that say that the last try failed, and why.
local FAILURES = { [502] = "error", [504] = "timeout" }
local CLIENT_GAVE_UP = 499

local _M = {}

-- Address of a request -> the state of its tries. An error page empties `ngx.ctx`, this stays.
-- Every location in which a watched request can end has a log phase, so nothing is left behind
-- under an address that NGINX uses again.
local in_flight = {}


--- The current request is watched from now on.
-- @return the state of its tries, {target, watched}, for `ngx.ctx`; the balancer adds the rest
function _M.watch(target)
    local state = { target = target, watched = true }
    in_flight[request_key()] = state
    return state
end


--- The state of the current request; nil when it is not watched.
function _M.state()
    return in_flight[request_key()]
end


-- Seconds of the last try, as NGINX measured them; nil when it did not.
local function seconds_of_try()
    return tonumber(match(ngx_var.upstream_response_time or "", "[%d.]+$"))
end


--- Why an answer of a backend counts as a failure; nil when it does not.
function _M.failure_of_status(status)
    return status >= 500 and health.counts_server_errors() and "http_" .. status or nil
end


--- The id of the endpoint of the last try, when there was one: NGINX writes the name of the
-- upstream instead when the balancer chose none. In the balancer phase the try at hand has no
-- address yet.
function _M.last_endpoint_id()
    local text, port = match(ngx_var.upstream_addr or "", "([^%s,]+):(%d+)[%s:]*$")
    local bytes = text and address.parse((text:gsub("[%[%]]", "")))
    return bytes and address.canonical(bytes) .. " " .. port
end


local function complete(reason, unknown)
    local key = request_key()
    local state = in_flight[key]
    in_flight[key] = nil
    if state and state.endpoint then
        local seconds = seconds_of_try()
        tries.finish(state, { reason = reason, unknown = unknown, seconds = seconds })
    end
    return state
end


--- Whether the last try had an answer: if not, or without any, a status is NGINX's own.
local function has_answered()
    local seconds = match(ngx_var.upstream_header_time or "", "([%d.-]+)[%s:]*$")
    return seconds ~= nil and seconds ~= "-"
end


_M.has_answered = has_answered


local function reason_of(status)
    return not has_answered() and FAILURES[status] or _M.failure_of_status(status)
end


-- Another request's turn may have come since the begin of this one.
local function subject()
    return ngx_var.host and "host " .. ngx_var.host
end


--- The log phase of a request that a backend answered, or that its client gave up.
_M.run = faults.guarded_end(function()
    local status = tonumber(match(ngx_var.upstream_status or "", "%d+$"))
    if not status or status == CLIENT_GAVE_UP then
        complete(nil, true)
    else
        complete(reason_of(status))
    end
end, subject)


--- The answer of the current request is not sent: one to another request takes its place.
-- @param status of the error
function _M.interrupt(status)
    complete(reason_of(status), ngx_var.upstream_status == nil)
end


--- A watched request of this address has ended, and nobody saw how.
function _M.abandon(key)
    local state = in_flight[key]
    in_flight[key] = nil
    if state and state.endpoint then
        tries.finish(state, { unknown = true })
    end
end


--- The log phase of an error page: NGINX itself had to answer.
_M.run_page = faults.guarded_end(function(listener)
    local reason = FAILURES[ngx.status]
    if complete(reason, not reason) or not reason then
        return
    end
    local id, route = _M.last_endpoint_id(), router.find_again(listener)
    for _, target in ipairs(id and route and route.targets or {}) do
        tries.note_failure(target.entry, id, reason)
    end
end, subject)


return _M
