-- How much one client may ask for of the routes of one object that have the same limits: in a time,
-- at a time, and how fast answers are sent. Clients are told by their address, as a whole.

local address_set = require "ingress.pure.address_set"
local connections = require "ingress.limit.connections"
local rates = require "ingress.limit.rates"

local format = string.format
local ngx_exit = ngx.exit
local ngx_var = ngx.var

local SECOND, MINUTE = 1, 60
local DEFAULT_BURST = 5
local REFUSED = 503

local _M = {}


local function name_of(origin, kind, limit)
    return format("%s %s/%s %s %s", origin.kind, origin.namespace, origin.name, kind, limit)
end


-- Array of what the client must be let pass by, in this order.
local function rates_of(value, origin)
    local list = {}
    for _, rate in ipairs({ { "rps", SECOND }, { "rpm", MINUTE } }) do
        local name, seconds = rate[1], rate[2]
        local count = value[name]
        if count then
            local burst = count * (value.burst_multiplier or DEFAULT_BURST)
            local limit = count .. " " .. burst
            list[#list + 1] = rates.new(name_of(origin, name, limit), count / seconds, burst)
        end
    end
    return list
end


-- Of the first `count` rates.
local function give_back(list, client, count)
    for i = 1, count do
        rates.give_back(list[i], client)
    end
end


local function take_all(list, client)
    for i = 1, #list do
        if not rates.take(list[i], client) then
            give_back(list, client, i - 1)
            return false
        end
    end
    return true
end


local function set_bandwidth(value)
    ngx_var.limit_rate = value.rate
    if value.rate_after then
        ngx_var.rate_after = value.rate_after
    end
end


--- @param route  record
-- @param key_of  what clients are told apart by, for the request at hand: a text, which is empty
--                where nothing is limited; nil: their address
-- @return function that refuses the request at hand, or lets it pass
function _M.compile(value, route, key_of)
    local list, allowed = rates_of(value, route.origin), address_set.of(value.allow)
    local most = value.connections
    local connection = most and connections.new(name_of(route.origin, "connections", most), most)
    local is_counted = connection or list[1]
    return function()
        if value.rate then
            set_bandwidth(value)
        end
        local client = is_counted and ngx_var.binary_remote_addr
        if not client or allowed and allowed:holds(client) then
            return
        end
        client = key_of and key_of() or client
        if client == "" then
            return
        end
        if not take_all(list, client) then
            return ngx_exit(value.rate_status or REFUSED)
        end
        if connection and not connections.acquire(connection, client) then
            give_back(list, client, #list)
            return ngx_exit(value.connection_status or REFUSED)
        end
    end
end


return _M
