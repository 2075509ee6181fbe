-- Requests in a time: a leaky bucket in milliseconds, as `limit_req ... nodelay`. An entry holds
-- the time at which the bucket of the client is empty.

local clients = require "ingress.limit.clients"
local milliseconds = require("ingress.clock").milliseconds

-- Clients of which the last requests still count: 262144, in 4 MiB.
local SETS = 32768
-- Times are sums of fractions.
local ROUNDING = 1e-6

local _M = {}

-- Who has many addresses, or many limits, could fill all sets for hours: nobody else may be refused
-- for that.
local buckets = clients.open("rates", SETS, true)
local numbers = buckets.numbers


--- @param name       what is counted together
-- @param per_second requests, may be a fraction
-- @param burst      how many more may come at once
function _M.new(name, per_second, burst)
    local interval = 1000 / per_second
    return { zone = buckets:zone(name), interval = interval, tolerance = burst * interval }
end


--- Whether one more request of a client may pass; it is counted if so.
function _M.take(rate, client)
    local at, set = buckets:enter(rate.zone, client, milliseconds())
    -- Not before it is our turn: by an earlier time than that of who came before us, the client
    -- would have spent more than he has.
    local empty_at, now = numbers[at], milliseconds()
    if empty_at < now then
        empty_at = now
    end
    local passes = empty_at - now <= rate.tolerance + ROUNDING
    if passes then
        numbers[at] = empty_at + rate.interval
    end
    buckets:leave(set)
    return passes
end


--- The request that `take` let pass is refused for something else.
function _M.give_back(rate, client)
    local at, set = buckets:enter(rate.zone, client, milliseconds())
    numbers[at] = numbers[at] - rate.interval
    buckets:leave(set)
end


return _M
