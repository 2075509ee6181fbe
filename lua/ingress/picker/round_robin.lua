-- Round robin: each endpoint in turn; with different weights the smooth form of NGINX, which gives
-- weights of 5, 1, 1 the turns "a a b a c a a".
--
-- The picker interface, which every algorithm has:
--   new(endpoints, options, deps) -> picker
--     endpoints  array of {id, weight}; weight: a number, 1 when absent, which an update may
--                change; 0: only when no other is left
--     options    of the algorithm: subset_size
--     deps       random: as math.random; now(): seconds; phase(): in [0, 1), where this worker
--                begins its turns, different in each worker
--   picker:pick(key, excluded) -> index | nil, err
--     key        what hashes go by: a text, or a number that is a hash already; nil: none
--     excluded   set of ids that are chosen only when no other is left, or nil
--   picker:update(endpoints)  keeps what it knows of the endpoints that stay
--   picker:done(id, seconds, failed)  the end of a try, if the algorithm has to know of it: called
--     once for each index that pick gave; `seconds` that the try took, nil when unknown
--   picker:begin(id)  a try that somebody else chose, if there is `done`

local weights_of = require "ingress.picker.support.weights"

local floor = math.floor
local setmetatable = setmetatable

local weight_of = weights_of.of

local _M = {}
_M.__index = _M


-- Workers that all began with the first endpoint would send it a wave after each change.
local function start(count, phase)
    return floor(phase() * count) % (count > 0 and count or 1)
end


local function positions_of(endpoints)
    local positions = {}
    for index = 1, #endpoints do
        positions[endpoints[index].id] = index
    end
    return positions
end


-- Where the turn goes on: after the endpoint that was last, or the nearest before it that stays.
local function surviving(before, last, positions)
    for index = last, 1, -1 do
        local position = positions[before[index].id]
        if position then
            return position
        end
    end
    return 0
end


-- The current weights as if there had been turns before, the latest that of `last`.
local function currents_after(last, weights, total)
    local currents, count = {}, #weights
    for index = 1, count do
        local distance = (index - last - 1) % count
        currents[index] = total * (0.5 - distance / count)
    end
    return currents
end


-- A newcomer begins in the middle, which is about 0.
local function kept_currents(self, positions, weights, total)
    local currents = {}
    for index = 1, #weights do
        currents[index] = 0
    end
    for index = 1, #self.endpoints do
        local position = positions[self.endpoints[index].id]
        if position then
            currents[position] = self.currents[index] * total / self.total
        end
    end
    return currents
end


-- `currents` only when weights differ, else false: then all that a turn needs is `last`.
local function set(self, endpoints, positions)
    local currents, weights, total = false, nil, nil
    if not weights_of.are_equal(endpoints) then
        weights, total = {}, 0
        for index = 1, #endpoints do
            weights[index] = weight_of(endpoints[index])
            total = total + weights[index]
        end
        currents = self.currents and kept_currents(self, positions, weights, total)
            or currents_after(self.last, weights, total)
    end
    self.endpoints, self.weights, self.total, self.currents = endpoints, weights, total, currents
    return self
end


function _M.new(endpoints, _, deps)
    local self = setmetatable({ phase = deps.phase, last = start(#endpoints, deps.phase) }, _M)
    return set(self, endpoints)
end


function _M:update(endpoints)
    if #self.endpoints == 0 then
        self.last = start(#endpoints, self.phase)
        set(self, endpoints)
        return
    end
    local positions = positions_of(endpoints)
    self.last = surviving(self.endpoints, self.last, positions)
    set(self, endpoints, positions)
end


-- The one that waited longest for its weight, of those with any.
local function smooth(self, excluded)
    local endpoints, weights, currents = self.endpoints, self.weights, self.currents
    local best, best_current, total = nil, 0, 0
    for index = 1, #weights do
        local weight = weights[index]
        if weight > 0 and not (excluded and excluded[endpoints[index].id]) then
            local current = currents[index] + weight
            currents[index] = current
            total = total + weight
            if not best or current > best_current then
                best, best_current = index, current
            end
        end
    end
    if best then
        currents[best] = best_current - total
    end
    return best
end


-- The next that is not excluded.
local function in_turn(self, excluded)
    local endpoints = self.endpoints
    local count = #endpoints
    local index = self.last
    for _ = 1, count do
        index = index % count + 1
        if not excluded[endpoints[index].id] then
            return index
        end
    end
end


local function pick_weighted(self, excluded)
    local index = smooth(self, excluded)
        or excluded and (in_turn(self, excluded) or smooth(self))
    self.last = index
    return index
end


function _M:pick(_, excluded)
    if self.currents then
        return pick_weighted(self, excluded)
    end
    local count = #self.endpoints
    if count == 0 then
        return nil, "no endpoint"
    end
    local index = excluded and in_turn(self, excluded) or self.last % count + 1
    self.last = index
    return index
end


return _M
