-- The balancer phase: which endpoint a try goes to.
--
-- `ngx.ctx` of a request holds first the target that the router chose, then the endpoint of the
-- first try: both are shared by many requests, so that an ordinary request makes no table. Only a
-- second try gets a state of its own.

local address = require "ingress.pure.address"
local destination = require "ingress.destination"
local faults = require "ingress.faults"
local ngx_balancer = require "ngx.balancer"
local round_robin = require "ingress.picker.round_robin"
local store = require "ingress.store"
local more_tries = require("ingress.target").more_tries

local set_current_peer = ngx_balancer.set_current_peer
local set_more_tries = ngx_balancer.set_more_tries
local set_timeouts = ngx_balancer.set_timeouts
local ngx = ngx
local ngx_now = ngx.now
local value_of = store.value

-- NGX_BUSY: "no live upstreams", 502. In this phase only a patched NGINX (OpenResty) could answer
-- with a status of our choice.
local NO_PEER = -3

local _M = {}

local deps = { random = math.random }


-- Refused addresses are left out here too, so that choosing a peer needs no check.
local function compile_endpoints(record, entry_key)
    local endpoints = {}
    for _, pair in ipairs(record.endpoints) do
        local text, port = pair[1], pair[2]
        local bytes = address.parse(text)
        local refusal = bytes and destination.refusal(bytes) or not bytes and "no address"
        if refusal then
            ngx.log(ngx.ERR, entry_key, ": ", text, " is ", refusal)
        else
            local host = #bytes == 16 and "[" .. text .. "]" or address.canonical(bytes)
            endpoints[#endpoints + 1] = {
                id = address.canonical(bytes) .. " " .. port,
                host = host,
                port = port,
                backend_key = entry_key,
            }
        end
    end
    return endpoints
end


local function compile_backend(record, key, previous)
    local endpoints = compile_endpoints(record, key)
    local picker = previous and previous.picker
    if picker then
        picker:update(endpoints)
    else
        picker = round_robin.new(endpoints, {}, deps)
    end
    return { endpoints = endpoints, picker = picker }
end


store.register("backend", compile_backend, { weak = true })


--- Whether a target has an endpoint at all; asked before a request is sent on its way.
function _M.has_endpoint(target)
    local backend = store.value(target.entry)
    return backend ~= nil and backend.endpoints[1] ~= nil
end


local function send_to(endpoint)
    local ok, err = set_current_peer(endpoint.host, endpoint.port)
    if not ok then
        error(endpoint.backend_key .. ": " .. err)
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
end


local function attempts_after(endpoint, retry_seconds)
    return {
        backend_key = endpoint.backend_key,
        tried = { [endpoint.id] = true },
        deadline = retry_seconds > 0 and ngx_now() + retry_seconds or nil,
    }
end


local function first_try(target)
    local backend = value_of(target.entry)
    local index = backend and backend.picker:pick()
    if not index then
        return ngx.exit(NO_PEER)
    end
    local endpoint = backend.endpoints[index]
    prepare_tries(target, #backend.endpoints)
    local retry_seconds = target.retry_seconds
    ngx.ctx = retry_seconds > 0 and attempts_after(endpoint, retry_seconds) or endpoint
    return send_to(endpoint)
end


local function next_try(attempts)
    if attempts.deadline and ngx_now() > attempts.deadline then
        return ngx.exit(NO_PEER)
    end
    -- The failure may be news to this request only: the endpoints may have changed since it came.
    store.refresh()
    local backend = value_of(store.entry("backend", attempts.backend_key))
    local index = backend and backend.picker:pick(nil, attempts.tried)
    if not index then
        return ngx.exit(NO_PEER)
    end
    local endpoint = backend.endpoints[index]
    attempts.tried[endpoint.id] = true
    ngx.ctx = attempts
    return send_to(endpoint)
end


--- One try of the current request.
_M.run = faults.guarded(function()
    local context = ngx.ctx
    if context.entry then
        return first_try(context)
    end
    return next_try(context.tried and context or attempts_after(context, 0))
end)


return _M
