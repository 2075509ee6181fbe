-- A ring of points: a hash belongs to the endpoint of the next point. What an endpoint has of the
-- ring depends on its id and weight only, so that others keep their keys when one goes or comes.

local hash = require "ingress.pure.hash"
local weights = require "ingress.picker.support.weights"

local floor = math.floor
local max = math.max
local min = math.min
local setmetatable = setmetatable

local WORD = 2 ^ 32
-- Points of the endpoint with the greatest weight, as in ketama: shares then differ by some 8 %.
local POINTS = 160
-- Of all endpoints together: bounds what a request may have to wait for (a few ms), and the memory.
local MOST_POINTS = 2 ^ 17
-- A point is kept as hash * OWNERS + index of the endpoint: exact in a double, sorted by the hash.
local OWNERS = 2 ^ 20

local _M = {}
_M.__index = _M


-- Two hashes for each id: of 20 000 endpoints two may well have one of 32 bits in common.
local function add_points(points, index, id, count)
    local first, step = hash.hash(id, 0), hash.hash(id, 1)
    local length = #points
    for i = 1, count do
        points[length + i] = hash.mix(first + i * step) * OWNERS + index
    end
end


local function unsorted_points(endpoints, weight_in)
    local points, greatest = {}, 0
    for index = 1, #endpoints do
        greatest = max(greatest, weight_in(endpoints[index]))
    end
    local most = max(1, min(POINTS, floor(MOST_POINTS / #endpoints)))
    for index = 1, #endpoints do
        local weight = weight_in(endpoints[index])
        if greatest == 0 then
            add_points(points, index, endpoints[index].id, most)
        elseif weight > 0 then
            local count = max(1, floor(most * weight / greatest + 0.5))
            add_points(points, index, endpoints[index].id, count)
        end
    end
    return points
end


-- Positions at which the points of each of as many buckets as there are points begin.
local function bucket_starts(points, per_point)
    local starts = {}
    for bucket = 1, #points + 1 do
        starts[bucket] = 0
    end
    for i = 1, #points do
        local bucket = floor(points[i] * per_point) + 1
        starts[bucket] = starts[bucket] + 1
    end
    local position = 1
    for bucket = 1, #starts do
        starts[bucket], position = position, position + starts[bucket]
    end
    return starts
end


local function insert_sorted(points)
    for i = 2, #points do
        local point, at = points[i], i - 1
        while at > 0 and points[at] > point do
            points[at + 1] = points[at]
            at = at - 1
        end
        points[at + 1] = point
    end
end


-- Linear, since hashes are scattered evenly: table.sort takes ten times as long.
local function sort(points, starts, per_point)
    local sorted, ends = {}, {}
    for i = 1, #points do
        sorted[i], ends[i] = 0, starts[i]
    end
    for i = 1, #points do
        local bucket = floor(points[i] * per_point) + 1
        local position = ends[bucket]
        sorted[position], ends[bucket] = points[i], position + 1
    end
    insert_sorted(sorted)
    return sorted
end


--- @param endpoints  array of {id, weight}, at least one
-- @param weight_in  function(endpoint) -> its weight in the ring
function _M.new(endpoints, weight_in)
    local points = unsorted_points(endpoints, weight_in or weights.of)
    local per_point = #points / (WORD * OWNERS)
    local starts = bucket_starts(points, per_point)
    return setmetatable({
        points = sort(points, starts, per_point),
        starts = starts,
        per_point = per_point,
    }, _M)
end


--- Position of the point to which a hash belongs.
function _M:locate(hashed)
    local points = self.points
    local wanted = hashed * OWNERS
    local position = self.starts[floor(wanted * self.per_point) + 1]
    local count = #points
    while position <= count and points[position] < wanted do
        position = position + 1
    end
    return position <= count and position or 1
end


function _M:next_position(position)
    return position % #self.points + 1
end


--- Index of the endpoint that has a position.
function _M:owner(position)
    return self.points[position] % OWNERS
end


return _M
