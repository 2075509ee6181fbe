-- The lookup table of Maglev ("Maglev: A Fast and Reliable Software Network Load Balancer", 2016,
-- section 3.4): endpoints take slots in turn, each in an order of its own. Shares are more even
-- than those of a ring; when an endpoint goes, a few keys of others move, too.

local hash = require "ingress.pure.hash"
local weights = require "ingress.picker.support.weights"

local max = math.max
local setmetatable = setmetatable

-- A prime, so that every step leads through all slots. The size that the paper and Envoy have,
-- 65537, would take twice the memory: tables grow by powers of two.
local SIZE = 65521

local _M = {}
_M.__index = _M


-- For each endpoint: where it looks next, its step, and the slots that it gets in a round.
local function claims_of(endpoints)
    local greatest = 0
    for index = 1, #endpoints do
        greatest = max(greatest, weights.of(endpoints[index]))
    end
    local slots, steps, shares, credits = {}, {}, {}, {}
    for index = 1, #endpoints do
        local id = endpoints[index].id
        slots[index] = hash.hash(id, 0) % SIZE
        steps[index] = hash.hash(id, 1) % (SIZE - 1) + 1
        shares[index] = greatest > 0 and weights.of(endpoints[index]) / greatest or 1
        credits[index] = 0
    end
    return slots, steps, shares, credits
end


local function free_slot(owners, slot, step)
    while owners[slot + 1] > 0 do
        slot = slot + step
        if slot >= SIZE then
            slot = slot - SIZE
        end
    end
    return slot
end


--- @param endpoints array of {id, weight}, at least one; the order makes a small difference
function _M.new(endpoints)
    local owners = {}
    for slot = 1, SIZE do
        owners[slot] = 0
    end
    local slots, steps, shares, credits = claims_of(endpoints)
    local count, index, taken = #endpoints, 0, 0
    while taken < SIZE do
        index = index % count + 1
        local credit = credits[index] + shares[index]
        if credit >= 1 then
            local slot = free_slot(owners, slots[index], steps[index])
            owners[slot + 1], slots[index] = index, slot
            taken, credit = taken + 1, credit - 1
        end
        credits[index] = credit
    end
    return setmetatable({ owners = owners }, _M)
end


--- Position to which a hash belongs.
function _M.locate(_, hashed)
    return hashed % SIZE + 1
end


--- The position after another on the way of this hash, so that the keys of an endpoint that is left
-- out go to all others.
function _M.next_position(_, position, hashed)
    return (position + hash.mix(hashed) % (SIZE - 1)) % SIZE + 1
end


--- Index of the endpoint that has a position.
function _M:owner(position)
    return self.owners[position]
end


return _M
