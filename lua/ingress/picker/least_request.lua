-- Least request: of two endpoints drawn by weight, the one with fewer requests in flight for its
-- weight. Two choices are nearly as good as a look at all of them ("The Power of Two Choices in
-- Randomized Load Balancing", Mitzenmacher 2001), cost the same for any number of endpoints, and
-- workers that do not know of each other do not all run to the same one.

local in_flight = require "ingress.picker.support.in_flight"
local sampler = require "ingress.picker.support.sampler"
local weights = require "ingress.picker.support.weights"

local setmetatable = setmetatable

local weight_of = weights.of

local _M = {}
_M.__index = _M


function _M.new(endpoints, _, deps)
    return setmetatable({
        random = deps.random,
        sampler = sampler.new(endpoints, deps.random),
        in_flight = in_flight.new(),
    }, _M)
end


local function less_loaded(self, first, second)
    local endpoints, counts = self.sampler.endpoints, self.in_flight.counts
    local one, other = endpoints[first], endpoints[second]
    local load = (counts[one.id] or 0) * weight_of(other)
    local other_load = (counts[other.id] or 0) * weight_of(one)
    return other_load < load and second or first
end


function _M:pick(_, excluded)
    local drawn = self.sampler
    if #drawn.endpoints == 0 then
        return nil, "no endpoint"
    end
    local index, second = drawn:pick_two(excluded)
    if second then
        index = less_loaded(self, index, second)
    end
    self.in_flight:begin(drawn.endpoints[index].id)
    return index
end


function _M:begin(id)
    self.in_flight:begin(id)
end


function _M:done(id)
    self.in_flight:finish(id)
end


function _M:update(endpoints)
    self.sampler = sampler.new(endpoints, self.random)
end


return _M
