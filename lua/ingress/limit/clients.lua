-- What is counted of clients, in memory that all workers share: nothing is lost at a reload.
--
-- The memory is fixed: a client has its place in one set of a few entries, found by a hash that no
-- client can foresee. An entry that counts nothing any more is free. Where a set is full, a new
-- client counts together with another one, or takes the place of who would be forgotten first.

local bit = require "bit"
local ffi = require "ffi"
local hash = require("ingress.pure.hash").hash
local process = require "ingress.process"
local shared_memory = require "ingress.shared_memory"
local shared_mutex = require "ingress.shared_mutex"

local band = bit.band
local cast = ffi.cast
local floor = math.floor
local lock = shared_mutex.lock
local unlock = shared_mutex.unlock

local WAYS = 8
local WIDTH = 2
local BYTES_PER_NUMBER = 8
-- A power of two, as is the number of sets.
local MUTEXES = 256
local MUTEX_BYTES = MUTEXES * shared_mutex.BYTES
local WORD = 2 ^ 32
-- Hashes that have nothing to do with each other.
local PLACE, NAME = "place", "name"

local state = ngx.shared.resty_ingress_state

local _M = { WAYS = WAYS }
_M.__index = _M


-- Of this start: another one counts anew.
local function secret()
    state:add("limits/secret", tonumber(process.random_id():sub(1, 8), 16))
    return state:get("limits/secret")
end


--- In the master, at each load.
-- @param sets    a power of two
-- @param forgets where a set is full, the smallest count is given up
-- @return {numbers, ...}: of each entry who it is for (0: nobody yet), and what counts for him
function _M.open(name, sets, forgets)
    local bytes = MUTEX_BYTES + sets * WAYS * WIDTH * BYTES_PER_NUMBER
    local address, is_new = shared_memory.open("limits/" .. name, bytes)
    return setmetatable({
        sets = sets,
        forgets = forgets,
        mutexes = shared_mutex.open(address, MUTEXES, is_new),
        numbers = cast("double *", cast("intptr_t", address + MUTEX_BYTES)),
        secret = secret(),
    }, _M)
end


--- What `enter` takes for everything that counts by itself.
function _M:zone(name)
    local own = hash(name, self.secret)
    return { place = hash(PLACE, own), name = hash(NAME, own) }
end


-- The entry of `who`, else a free one, else one that somebody has. Indexes of numbers.
local function find(self, first, who, free_up_to)
    local numbers, place, least = self.numbers, nil, first
    for at = first, first + (WAYS - 1) * WIDTH, WIDTH do
        if numbers[at] == who then
            return at
        elseif not place and numbers[at + 1] <= free_up_to then
            place = at
        end
        if numbers[at + 1] < numbers[least + 1] then
            least = at
        end
    end
    place = place or self.forgets and least
    if place then
        numbers[place], numbers[place + 1] = who, 0
        return place
    end
    return first + who % WAYS * WIDTH
end


--- The entry of a client, which nobody else touches until `leave`; nothing may fail in between.
-- @param zone       of `zone`
-- @param client     bytes
-- @param free_up_to entries that count no more than that are free
-- @return the index of what counts, that of its set, and whether a worker died at it or at another
-- one with the same lock (`siblings`)
function _M:enter(zone, client, free_up_to)
    local place, name = hash(client, zone.place), hash(client, zone.name)
    local set = band(place, self.sets - 1)
    local is_damaged = lock(self.mutexes + band(set, MUTEXES - 1))
    -- 52 bits; nobody is 0.
    local who = name + floor(place / 0x1000) * WORD + 1
    return find(self, set * WAYS * WIDTH, who, free_up_to) + 1, set, is_damaged
end


--- Like `enter`, for a set that is known.
-- @return whether a worker died at it, or at another one with the same lock (`siblings`)
function _M:reenter(set)
    return lock(self.mutexes + band(set, MUTEXES - 1))
end


--- Ends `enter` or `reenter`.
function _M:leave(set)
    unlock(self.mutexes + band(set, MUTEXES - 1))
end


--- The sets with the same lock: the first, and how far the next one is.
function _M.siblings(set)
    return band(set, MUTEXES - 1), MUTEXES
end


--- Number of an entry, counted over all sets, by the index of what counts in it.
function _M.entry_of(index)
    return (index - 1) / WIDTH
end


--- The index of what counts in the first entry of a set, and how far the next one is.
function _M.first_of(set)
    return set * WAYS * WIDTH + 1, WIDTH
end


return _M
