-- A connection of layer 4, or the datagrams of a client, from its first byte to its end. Each goes
-- to one endpoint, and stays there whatever records come.
--
-- `ngx.ctx` holds the state of its tries (balance/tries.lua).

local faults = require "ingress.faults"
local store = require "ingress.store"
local targets = require "ingress.stream.target"
local tries = require "ingress.balance.tries"

local has_endpoint = require("ingress.balance.backend").has_endpoint
local match = string.match
local ngx = ngx
local ngx_var = ngx.var
local send_to = tries.send_to
local value_of = store.value

-- NGX_BUSY: "no live upstreams".
local NO_PEER = -3
local BAD_GATEWAY = "502"
-- Seconds after the time limit of a connect.
local MARGIN = 1
-- Of the map in nginx.conf (docs/control-api.md).
local PASSTHROUGH = "tls_passthrough"

local connect_timeout

local _M = {}


--- @param seconds  that NGINX waits for a connection
function _M.configure(seconds)
    connect_timeout = seconds
end


local function close()
    return ngx.exit(ngx.ERROR)
end


local function begin(target)
    if not target or not has_endpoint(target) then
        return close()
    end
    faults.subject = target.name
    ngx.ctx = { target = target, watched = true }
end


--- A connection to a port.
-- @param key of the record
_M.preread = faults.guarded(function(key)
    faults.subject = key
    store.refresh()
    return begin(targets.of_port(key))
end)


--- A TLS connection of which only the ClientHello was read: whether it is passed through.
_M.choose_tls = faults.guarded(function()
    faults.subject = "TLS"
    store.refresh()
    local target = targets.of_name(ngx_var.ssl_preread_server_name)
    if not target then
        return
    elseif not has_endpoint(target) then
        return close()
    end
    ngx_var.tls_target = PASSTHROUGH
end)


--- A TLS connection that is passed through.
_M.passthrough = faults.guarded(function()
    faults.subject = "TLS"
    store.refresh()
    return begin(targets.of_name(ngx_var.ssl_preread_server_name))
end)


local function settle_probe(cancelled, state)
    if not cancelled then
        tries.settle(state)
    end
end


-- NGINX tells of connections that it cannot make, and of the end of others: that may be far off.
local function expect_probe(state)
    local ok, err = ngx.timer.at(connect_timeout + MARGIN, settle_probe, state)
    if not ok then
        ngx.log(ngx.WARN, "the result of a probe will be known late: ", err)
    end
end


-- In the network of a node its address is a destination, too; a port of ours there would lead here
-- again and again.
local function connect(state, endpoint)
    if endpoint.own and targets.is_port_of_ours(state.target, endpoint.port) then
        error(endpoint.id .. " is a port of ours")
    end
    return send_to(endpoint)
end


local function first_try(state)
    local target = state.target
    local backend = value_of(target.entry)
    local endpoint = backend and tries.first(backend, state)
    if not endpoint then
        return ngx.exit(NO_PEER)
    end
    tries.prepare(target, #backend.endpoints)
    state.endpoint = endpoint
    state.tried = { [endpoint.id] = true }
    if state.probing then
        expect_probe(state)
    end
    return connect(state, endpoint)
end


-- Only a connection that could not be made is tried again: NGINX knows no other reason.
local function next_try(state)
    tries.finish(state, { reason = "error" })
    local endpoint = tries.another(state)
    if not endpoint then
        return ngx.exit(NO_PEER)
    end
    return connect(state, endpoint)
end


--- One try of the session at hand.
_M.balancer = faults.guarded(function()
    local state = ngx.ctx
    faults.subject = state.target.name
    if state.tried then
        return next_try(state)
    end
    return first_try(state)
end)


-- What became of the last try: only whether there was a connection. How that ends is for client and
-- backend to know; a datagram without an answer may have deserved none, and anybody may send it.
local function last_outcome()
    local seconds = match(ngx_var.upstream_connect_time or "", "[%d.]+$")
    if seconds then
        return { seconds = tonumber(seconds) }
    elseif ngx_var.status == BAD_GATEWAY then
        return { reason = "error" }
    end
    return { unknown = true }
end


--- The end of a session.
_M.log = faults.guarded_end(function()
    local state = ngx.ctx
    if state.endpoint then
        faults.subject = state.target.name
        tries.finish(state, last_outcome())
    end
end)


return _M
