-- Random choice of an endpoint by weight.

local weights = require "ingress.picker.support.weights"

local floor = math.floor
local pairs = pairs
local setmetatable = setmetatable

local weight_of = weights.of

local _M = {}
_M.__index = _M

-- Draws before the endpoints that are left are looked at one by one. With half of them excluded,
-- one choice in 256 comes to that.
local DRAWS = 8


local function running_sums(endpoints)
    local sums, sum = {}, 0
    for i = 1, #endpoints do
        sum = sum + weight_of(endpoints[i])
        sums[i] = sum
    end
    return sums
end


--- @param endpoints array of {id, weight}
-- @param random    as math.random
-- @return {endpoints, sums, mean}; `sums` and `mean` of the weights only when they differ
function _M.new(endpoints, random)
    local sums = not weights.are_equal(endpoints) and running_sums(endpoints) or nil
    return setmetatable({
        endpoints = endpoints,
        random = random,
        sums = sums,
        mean = sums and sums[#sums] / #sums,
    }, _M)
end


--- Index of an endpoint, whatever is excluded; there must be one.
function _M:draw()
    local sums = self.sums
    if not sums then
        return self.random(1, #self.endpoints)
    end
    local low, high = 1, #sums
    local ticket = self.random() * sums[high]
    while low < high do
        local middle = floor((low + high) / 2)
        if sums[middle] > ticket then
            high = middle
        else
            low = middle + 1
        end
    end
    return low
end


-- One pass over those that are not excluded; those without weight only when there is no other.
local function draw_left(self, excluded)
    local endpoints, random = self.endpoints, self.random
    local chosen, sum, spare, spares = nil, 0, nil, 0
    for i = 1, #endpoints do
        local weight = weight_of(endpoints[i])
        if excluded[endpoints[i].id] then
            weight = 0
        elseif weight == 0 then
            spares = spares + 1
            spare = random(1, spares) == 1 and i or spare
        end
        sum = sum + weight
        if weight > 0 and random() * sum < weight then
            chosen = i
        end
    end
    return chosen or spare
end


--- Index of an endpoint; an excluded one only when no other is left.
-- @param excluded set of ids, or nil
function _M:pick(excluded)
    local index = self:draw()
    if not excluded then
        return index
    end
    for _ = 1, DRAWS do
        if not excluded[self.endpoints[index].id] then
            return index
        end
        index = self:draw()
    end
    return draw_left(self, excluded) or index
end


-- Another endpoint than the first; nil when every other one is excluded or has no weight.
local function draw_other(self, first, excluded)
    local endpoints = self.endpoints
    for _ = 1, DRAWS do
        local index = self:draw()
        if index ~= first and not (excluded and excluded[endpoints[index].id]) then
            return index
        end
    end
    local unwanted = { [endpoints[first].id] = true }
    for id in pairs(excluded or {}) do
        unwanted[id] = true
    end
    local index = draw_left(self, unwanted)
    return index and weight_of(endpoints[index]) > 0 and index or nil
end


--- Indices of two different endpoints, the second nil when there is no other.
-- @param excluded set of ids, or nil
function _M:pick_two(excluded)
    local first = self:pick(excluded)
    local endpoints = self.endpoints
    if not endpoints[2] then
        return first
    end
    if self.sums or excluded then
        return first, draw_other(self, first, excluded)
    end
    local second = self.random(1, #endpoints - 1)
    return first, second < first and second or second + 1
end


return _M
