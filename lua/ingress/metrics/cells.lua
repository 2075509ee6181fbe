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

local C = ffi.C
local cast = ffi.cast
local floor = math.floor
local format = string.format
local min = math.min

local MOST_STRIPES = 8
local CACHE_LINE = 64
local BYTES_PER_NUMBER = 8
local PROCESS_SHARED, ROBUST = 1, 1
local EOWNERDEAD = 130
local EPOCH = layouts.EPOCH

ffi.cdef [[
typedef union { char space[64]; long long alignment; } resty_ingress_mutex;
int resty_ingress_mutexattr_init(resty_ingress_mutex *attributes) __asm__("pthread_mutexattr_init");
int resty_ingress_mutexattr_setpshared(resty_ingress_mutex *attributes, int shared)
    __asm__("pthread_mutexattr_setpshared");
int resty_ingress_mutexattr_setrobust(resty_ingress_mutex *attributes, int robust)
    __asm__("pthread_mutexattr_setrobust");
int resty_ingress_mutex_init(resty_ingress_mutex *mutex, const resty_ingress_mutex *attributes)
    __asm__("pthread_mutex_init");
int resty_ingress_mutex_lock(resty_ingress_mutex *mutex) __asm__("pthread_mutex_lock");
int resty_ingress_mutex_consistent(resty_ingress_mutex *mutex) __asm__("pthread_mutex_consistent");
int resty_ingress_mutex_unlock(resty_ingress_mutex *mutex) __asm__("pthread_mutex_unlock");
]]

local state = ngx.shared.resty_ingress_state

local _M = {}
_M.__index = _M


local function check(result, what)
    if result ~= 0 then
        error(format("%s failed: error %d", what, result))
    end
end


local function make_mutexes(mutexes, count)
    local attributes = ffi.new("resty_ingress_mutex")
    check(C.resty_ingress_mutexattr_init(attributes), "pthread_mutexattr_init")
    check(C.resty_ingress_mutexattr_setpshared(attributes, PROCESS_SHARED),
        "pthread_mutexattr_setpshared")
    check(C.resty_ingress_mutexattr_setrobust(attributes, ROBUST), "pthread_mutexattr_setrobust")
    for stripe = 0, count - 1 do
        check(C.resty_ingress_mutex_init(mutexes + stripe, attributes), "pthread_mutex_init")
    end
end


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
    local capacity = floor((bytes - MOST_STRIPES * CACHE_LINE) / series_bytes)
    local address, is_new = shared_memory.open("metrics/" .. name, bytes)
    local mutexes = cast("resty_ingress_mutex *", cast("intptr_t", address))
    if is_new then
        make_mutexes(mutexes, MOST_STRIPES)
    end
    return setmetatable({
        capacity = capacity,
        stripes = stripes,
        width = layout.width,
        mutexes = mutexes,
        numbers = cast("double *", cast("intptr_t", address + MOST_STRIPES * CACHE_LINE)),
    }, _M)
end


--- Index of the first number of a series.
function _M:at(id, stripe)
    return (id * self.stripes + stripe) * self.width
end


--- What was half written when its writer died is a request that counts in part.
function _M:lock(stripe)
    local mutex = self.mutexes + stripe
    if C.resty_ingress_mutex_lock(mutex) == EOWNERDEAD then
        C.resty_ingress_mutex_consistent(mutex)
    end
end


function _M:unlock(stripe)
    C.resty_ingress_mutex_unlock(self.mutexes + stripe)
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
