-- The end of requests: what it says about the endpoint that was tried last. An ordinary request has
-- no log phase and costs nothing here; it ends here only when NGINX had to answer with an error page.
-- A watched request (dispatch.lua) always ends here.

local backends = require "ingress.backend"
local ffi = require "ffi"
local get_request = require("resty.core.base").get_request

local cast = ffi.cast
local match = string.match
local ngx_var = ngx.var
local tonumber = tonumber

-- Error pages that say that the backend failed.
local OF_BACKEND = { [502] = "error", [504] = "timeout" }

local _M = {}

-- Address of a request -> the state of its tries. An error page empties `ngx.ctx`, this stays. Every
-- location in which a watched request can end has a log phase, so nothing is left behind under an
-- address that NGINX uses again.
local in_flight = {}


local function address()
    return tonumber(cast("intptr_t", get_request()))
end


--- The current request is watched from now on.
-- @return the state of its tries, {target, watched}, for `ngx.ctx`; the balancer adds the rest
function _M.watch(target)
    local state = { target = target, watched = true }
    in_flight[address()] = state
    return state
end


--- The state of the current request; nil when it is not watched.
function _M.state()
    return in_flight[address()]
end


-- Seconds of the last try, as NGINX measured them; nil when it did not.
local function seconds_of_try()
    return tonumber(match(ngx_var.upstream_response_time or "", "[%d.]+$"))
end


local function finish(state, failed)
    local endpoint = state.endpoint
    if endpoint then
        backends.done(state.target, endpoint.id, seconds_of_try(), failed)
    end
end


local function complete(failed)
    local key = address()
    local state = in_flight[key]
    if state then
        in_flight[key] = nil
        finish(state, failed)
    end
end


--- The log phase of a request that a backend answered, or that its client gave up.
function _M.run()
    complete(false)
end


--- The log phase of an error page: NGINX itself had to answer.
function _M.run_page()
    complete(OF_BACKEND[ngx.status] ~= nil)
end


return _M
