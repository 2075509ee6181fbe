-- Subset: a key belongs to some endpoints, of which each request takes a random one by weight (the
-- `upstream-hash-by-subset` of ingress-nginx). The subset is what comes next on a ring, so that a
-- change of the endpoints changes subsets by one member, and of few keys.

local hash = require "ingress.pure.hash"
local ring = require "ingress.picker.support.ring"
local sampler = require "ingress.picker.support.sampler"
local weights = require "ingress.picker.support.weights"

local setmetatable = setmetatable

local weight_of = weights.of

local DEFAULT_SIZE = 3
-- Points of the ring that are looked at for each member of a subset; more only when nearly all
-- endpoints are wanted.
local POINTS_PER_MEMBER = 16

local _M = {}
_M.__index = _M


-- Weights decide inside the subset: it stays as it is while a weight rises.
local function presence(endpoint)
    return weight_of(endpoint) > 0 and 1 or 0
end


--- @param options subset_size: members of a subset, 3 when absent
function _M.new(endpoints, options, deps)
    local self = setmetatable({
        random = deps.random,
        size = options.subset_size or DEFAULT_SIZE,
    }, _M)
    self:update(endpoints)
    return self
end


--- The ring is made when it is first needed.
function _M:update(endpoints)
    self.sampler = sampler.new(endpoints, self.random)
    self.ring = nil
    -- index -> the last pick that had it in its subset
    self.seen, self.picks = {}, 0
end


-- A random member, chosen while they are counted; nil when all that were seen are excluded.
local function member(self, hashed, excluded)
    local endpoints, points, seen = self.sampler.endpoints, self.ring, self.seen
    local pick = self.picks + 1
    self.picks = pick
    local position = points:locate(hashed)
    local chosen, sum, left = nil, 0, self.size
    for _ = 1, self.size * POINTS_PER_MEMBER do
        local index = points:owner(position)
        if seen[index] ~= pick and not (excluded and excluded[endpoints[index].id]) then
            seen[index] = pick
            local weight = weight_of(endpoints[index])
            sum, left = sum + weight, left - 1
            chosen = self.random() * sum < weight and index or chosen or index
        end
        if left == 0 then
            break
        end
        position = points:next_position(position)
    end
    return chosen
end


--- A key of nil belongs to all endpoints.
function _M:pick(key, excluded)
    local drawn = self.sampler
    local count = #drawn.endpoints
    if count == 0 then
        return nil, "no endpoint"
    end
    if key == nil or self.size >= count then
        return drawn:pick(excluded)
    end
    self.ring = self.ring or ring.new(drawn.endpoints, presence)
    return member(self, hash.of_key(key), excluded) or drawn:pick(excluded)
end


return _M
