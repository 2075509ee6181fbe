-- Many ranges of IP addresses at once: their union as intervals that do not touch, in order, so
-- that an address is found by halving. Addresses are compared as bytes, the families apart.

local address_range = require "ingress.pure.address_range"

local ipairs = ipairs
local floor = math.floor
local sub = string.sub

local IPV4, IPV6 = 4, 16
-- ::ffff:0:0/96, before the IPv4 address that is meant (RFC 4291)
local MAPPED = ("\0"):rep(10) .. "\255\255"

local _M = {}
_M.__index = _M


local function by_first(one, other)
    return one.first < other.first
end


-- Those that overlap become one.
local function merged(intervals)
    table.sort(intervals, by_first)
    local firsts, lasts, count = {}, {}, 0
    for _, interval in ipairs(intervals) do
        if count > 0 and interval.first <= lasts[count] then
            if interval.last > lasts[count] then
                lasts[count] = interval.last
            end
        else
            count = count + 1
            firsts[count], lasts[count] = interval.first, interval.last
        end
    end
    return { firsts = firsts, lasts = lasts, count = count }
end


--- @param ranges array of texts, each a range of addresses
function _M.new(ranges)
    local families = { [IPV4] = {}, [IPV6] = {} }
    for _, text in ipairs(ranges) do
        local first, last = address_range.bounds(address_range.parse(text))
        local family = families[#first]
        family[#family + 1] = { first = first, last = last }
    end
    return setmetatable({
        [IPV4] = merged(families[IPV4]),
        [IPV6] = merged(families[IPV6]),
    }, _M)
end


--- @param raw 4 or 16 bytes, as `$binary_remote_addr`; an IPv4 address that is written as one of
-- IPv6 is that IPv4 address. Anything else is in no range.
function _M:holds(raw)
    if #raw == IPV6 and sub(raw, 1, #MAPPED) == MAPPED then
        raw = sub(raw, #MAPPED + 1)
    end
    local family = self[#raw]
    if not family then
        return false
    end
    local firsts = family.firsts
    local low, high = 0, family.count
    -- The last interval that begins at the address or before: at `low`, once both meet.
    while low < high do
        local middle = floor((low + high + 1) / 2)
        if firsts[middle] <= raw then
            low = middle
        else
            high = middle - 1
        end
    end
    return low > 0 and raw <= family.lasts[low]
end


return _M
