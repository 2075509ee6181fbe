-- What ring_hash and maglev share: the endpoint to which a key belongs, unless it has more than its
-- share of the load ("Consistent Hashing with Bounded Loads", Mirrokni et al. 2016).

local hash = require "ingress.pure.hash"
local in_flight = require "ingress.picker.support.in_flight"
local weights = require "ingress.picker.support.weights"

local floor = math.floor
local setmetatable = setmetatable

local weight_of = weights.of

-- Requests in flight that an endpoint may have, relative to its share of all of this worker.
local LOAD_FACTOR = 1.25
-- ... but at least this many: with a few requests around, one more is no overload, and keys stay
-- where they belong.
local ALWAYS_ALLOWED = 8
-- Positions that are looked at. With four of five endpoints out, one in a million comes that far.
local POSITIONS = 64

local _M = {}
_M.__index = _M


local function total_weight(endpoints)
    local total = 0
    for index = 1, #endpoints do
        total = total + weight_of(endpoints[index])
    end
    return total
end


--- @param lookup module of the table of positions: new(endpoints), with locate(hash),
-- owner(position) and next_position(position, hash)
function _M.new(endpoints, lookup, deps)
    local self = setmetatable({ lookup = lookup, random = deps.random }, _M)
    self.in_flight = in_flight.new()
    self:update(endpoints)
    return self
end


--- The table is made when it is first needed: of many changes in a row only the last one counts.
function _M:update(endpoints)
    self.endpoints = endpoints
    self.total_weight = total_weight(endpoints)
    self.positions = nil
end


local function has_room(self, endpoint)
    local load = self.in_flight
    local count = load.counts[endpoint.id]
    if not count or count < ALWAYS_ALLOWED then
        return true
    end
    local share = self.total_weight > 0 and weight_of(endpoint) / self.total_weight
        or 1 / #self.endpoints
    return count < LOAD_FACTOR * (load.total + 1) * share
end


-- The first on the way of the hash that is not excluded and has room, or at least not excluded.
local function first_allowed(self, hashed, excluded)
    local endpoints, positions = self.endpoints, self.positions
    local position, first = positions:locate(hashed), nil
    for _ = 1, POSITIONS do
        local index = positions:owner(position)
        local endpoint = endpoints[index]
        if not (excluded and excluded[endpoint.id]) then
            if has_room(self, endpoint) then
                return index
            end
            first = first or index
        end
        position = positions:next_position(position, hashed)
    end
    return first
end


function _M:pick(key, excluded)
    local endpoints = self.endpoints
    if #endpoints == 0 then
        return nil, "no endpoint"
    end
    if not self.positions then
        self.positions = self.lookup.new(endpoints)
    end
    local hashed = key ~= nil and hash.of_key(key) or floor(self.random() * 2 ^ 32)
    local index = first_allowed(self, hashed, excluded)
    if not index then
        local owner = self.positions:owner(self.positions:locate(hashed))
        index = weights.next_left(endpoints, owner, excluded) or owner
    end
    self.in_flight:begin(endpoints[index].id)
    return index
end


function _M:begin(id)
    self.in_flight:begin(id)
end


function _M:done(id)
    self.in_flight:finish(id)
end


return _M
