-- The numbers of all series, in memory that master and workers share: nothing is lost at a reload
-- or with a worker that dies, and nothing has to be flushed.
--
-- A series has a block of numbers (layout.lua) for each stripe. Workers write to the stripe of
-- their place, so that cores do not fight for cache lines. Its lock is for the worker of an older
-- generation that had the same place and still ends requests, and for `renew`; the kernel releases
-- that of a worker that was killed (a robust mutex).

local ffi = require "ffi"
local layouts = require "ingress.metrics.layout"
local shared_memory = require "ingress.shared_memory"
local shared_mutex = require "ingress.shared_mutex"

local cast = ffi.cast
local floor = math.floor
local min = math.min

local MOST_STRIPES = 8
local BYTES_PER_NUMBER = 8
local EPOCH = layouts.EPOCH

local state = ngx.shared.resty_ingress_state

local _M = {}
_M.__index = _M


-- As many as there were workers at the first load: what is known of a series stays where it is.
local function stripe_count()
    state:add("metrics/stripes", min(ngx.worker.count(), MOST_STRIPES))
    return state:get("metrics/stripes")
end


--- In the master, at each load. Memory is made once for each layout, since workers of an older
-- configuration go on with theirs; the kernel provides it as it is touched.
-- @param name  of the layout
-- @param bytes at most
-- @return {numbers, capacity, ...}: `numbers[at(id, stripe) + offset]` for an id below `capacity`
function _M.open(name, layout, bytes)
    local stripes = stripe_count()
    local series_bytes = stripes * layout.width * BYTES_PER_NUMBER
    local capacity = floor((bytes - MOST_STRIPES * shared_mutex.BYTES) / series_bytes)
    local address, is_new = shared_memory.open("metrics/" .. name, bytes)
    return setmetatable({
        capacity = capacity,
        stripes = stripes,
        width = layout.width,
        mutexes = shared_mutex.open(address, MOST_STRIPES, is_new),
        numbers = cast("double *", cast("intptr_t", address + MOST_STRIPES * shared_mutex.BYTES)),
    }, _M)
end


--- Index of the first number of a series.
function _M:at(id, stripe)
    return (id * self.stripes + stripe) * self.width
end


--- What was half written when its writer died is a request that counts in part.
function _M:lock(stripe)
    shared_mutex.lock(self.mutexes + stripe)
end


--- Ends `lock`.
function _M:unlock(stripe)
    shared_mutex.unlock(self.mutexes + stripe)
end


--- The block changes hands: whoever knew the series that it was for, and looks at the epoch while
-- he holds the lock, does not write to the next one.
-- @param keep whether the numbers stay
function _M:renew(id, keep)
    local numbers = self.numbers
    for stripe = 0, self.stripes - 1 do
        local at = self:at(id, stripe)
        self:lock(stripe)
        local epoch = numbers[at + EPOCH]
        if not keep then
            ffi.fill(numbers + at, self.width * BYTES_PER_NUMBER)
        end
        numbers[at + EPOCH] = epoch + 1
        self:unlock(stripe)
    end
end


--- Adds up the numbers of a series over all stripes.
-- @param sums array of `width` doubles
function _M:read(id, sums)
    local numbers, width = self.numbers, self.width
    ffi.fill(sums, width * BYTES_PER_NUMBER)
    for stripe = 0, self.stripes - 1 do
        local block = numbers + self:at(id, stripe)
        for i = 0, width - 1 do
            sums[i] = sums[i] + block[i]
        end
    end
end


return _M
