-- What routing hands over to the balancer, and one try to the next: what `ngx.ctx` is for, without
-- its registration and release for each request, which cost two hundredths of a proxied request.
--
-- Requests are told apart by their address. It is that of one request only as long as that lives,
-- so whatever is left of one that ended early is replaced by the next at its address, and never
-- read: each request is routed before it is balanced.

local cast = require("ffi").cast
local get_request = require("resty.core.base").get_request

local tonumber = tonumber

local _M = {}

-- Most requests are balanced right after they were routed: they need no table.
local last_address, last_target
-- Those that were not, since their body had to come first: address -> target.
local waiting = {}
-- address -> what the last try has left for the next.
local kept = {}


local function address()
    return tonumber(cast("intptr_t", get_request()))
end


--- The target of the current request.
function _M.put(target)
    if last_address then
        waiting[last_address] = last_target
    end
    last_address, last_target = address(), target
end


--- The target that was put for the current request, once; then nil.
function _M.take()
    local here = address()
    if here == last_address then
        last_address = nil
        return last_target
    end
    local target = waiting[here]
    waiting[here] = nil
    return target
end


function _M.keep(value)
    kept[address()] = value
end


--- What was kept last for the current request. Ask only after a try: else it may be another's.
function _M.kept()
    return kept[address()]
end


return _M
