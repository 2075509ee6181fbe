-- Requests at a time. An entry holds how many a client has; beside it each worker keeps how many of
-- them are its own, so that those of a worker that was killed can be told and taken off.

local clients = require "ingress.limit.clients"
local ffi = require "ffi"
local process = require "ingress.process"
local request_key = require "ingress.request_key"
local shared_memory = require "ingress.shared_memory"
local shared_mutex = require "ingress.shared_mutex"

local cast = ffi.cast

-- Clients with a request under way: 65536, in 1 MiB, and 128 KiB for each worker.
local SETS = 8192
local ENTRIES = SETS * clients.WAYS
-- At once, of all generations.
local WORKERS = 256
local PIDS_BYTES = 4096
local MUTEX_BYTES = shared_mutex.BYTES
local BYTES_PER_COUNT = 2

local _M = {}

local totals = clients.open("connections", SETS)
local numbers = totals.numbers

local address, is_new = shared_memory.open("limits/workers",
    PIDS_BYTES + WORKERS * ENTRIES * BYTES_PER_COUNT)
local mutex = shared_mutex.open(address, 1, is_new)
-- Of each worker: its process id, and whether it ever counted anything.
local pids = cast("int *", cast("intptr_t", address + MUTEX_BYTES))
local used = cast("unsigned char *", cast("intptr_t", address + MUTEX_BYTES + 4 * WORKERS))
local counts = cast("unsigned short *", cast("intptr_t", address + PIDS_BYTES))

-- Of this worker: its place among `pids` and its counts, once it has one.
local place, own
-- Address of a request -> index of the entry that it counts for, and the set of that.
local held, sets = {}, {}


local function counts_of(worker)
    return counts + worker * ENTRIES
end


local function sum_of(entry)
    local total = 0
    for worker = 0, WORKERS - 1 do
        if used[worker] ~= 0 then
            total = total + counts_of(worker)[entry]
        end
    end
    return total
end


-- A worker that was killed between two writes leaves a total that is no sum.
local function repair(damaged)
    local first_set, next_set = clients.siblings(damaged)
    for set = first_set, SETS - 1, next_set do
        local first, step = clients.first_of(set)
        for at = first, first + (clients.WAYS - 1) * step, step do
            numbers[at] = sum_of(clients.entry_of(at))
        end
    end
end


-- Takes off what workers counted that are gone.
local function forget_dead(at)
    local entry = clients.entry_of(at)
    for worker = 0, WORKERS - 1 do
        local count = used[worker] ~= 0 and counts_of(worker)[entry] or 0
        if count > 0 and not process.is_alive(pids[worker]) then
            counts_of(worker)[entry] = 0
            numbers[at] = numbers[at] - count
        end
    end
end


-- Of a worker that had a place before.
local function clear(worker)
    local column = counts_of(worker)
    for set = 0, SETS - 1 do
        local first, step = clients.first_of(set)
        if totals:reenter(set) then
            repair(set)
        end
        for at = first, first + (clients.WAYS - 1) * step, step do
            local entry = clients.entry_of(at)
            numbers[at] = numbers[at] - column[entry]
            column[entry] = 0
        end
        totals:leave(set)
    end
    used[worker] = 0
end


-- nil: there are more workers than places, all alive.
local function take_place()
    shared_mutex.lock(mutex)
    local found
    for worker = 0, WORKERS - 1 do
        if pids[worker] == 0 or not process.is_alive(pids[worker]) then
            found = worker
            break
        end
    end
    if found then
        pids[found] = ngx.worker.pid()
    end
    shared_mutex.unlock(mutex)
    return found
end


--- At the start of a worker.
function _M.start()
    place = take_place()
    if not place then
        return
    end
    if used[place] ~= 0 then
        clear(place)
    end
    own = counts_of(place)
end


--- @param name what is counted together
function _M.new(name, most)
    return { zone = totals:zone(name), most = most }
end


--- Whether the request at hand may go on; it counts until `release` if so. It must end in a
-- location that calls that.
function _M.acquire(limit, client)
    if not own then
        return false
    end
    local at, set, is_damaged = totals:enter(limit.zone, client, 0)
    if is_damaged then
        repair(set)
    end
    if numbers[at] >= limit.most then
        forget_dead(at)
    end
    local passes = numbers[at] < limit.most
    if passes then
        used[place] = 1
        local entry = clients.entry_of(at)
        own[entry] = own[entry] + 1
        numbers[at] = numbers[at] + 1
    end
    totals:leave(set)
    if passes then
        local key = request_key()
        held[key], sets[key] = at, set
    end
    return passes
end


--- The request at hand has ended, however. Does nothing for one that does not count.
function _M.release()
    local key = request_key()
    local at, set = held[key], sets[key]
    if not at then
        return
    end
    held[key], sets[key] = nil, nil
    if totals:reenter(set) then
        repair(set)
    end
    local entry = clients.entry_of(at)
    own[entry] = own[entry] - 1
    numbers[at] = numbers[at] - 1
    totals:leave(set)
end


return _M
