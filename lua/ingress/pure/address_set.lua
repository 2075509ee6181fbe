-- Many ranges of IP addresses at once: their union as intervals that do not touch, in order, so
-- that an address is found by halving. Addresses are compared as bytes, the families apart.

local address_range = require "ingress.pure.address_range"
local shape = require "ingress.pure.shape"

local concat = table.concat
local floor = math.floor
local format = string.format
local ipairs = ipairs
local sub = string.sub

local IPV4, IPV6 = 4, 16
-- ::ffff:0:0/96, before the IPv4 address that is meant (RFC 4291)
local MAPPED = ("\0"):rep(10) .. "\255\255"

local _M = {}
_M.__index = _M

-- Text of all its ranges -> set: routes of one object have equal lists.
local sets = setmetatable({}, { __mode = "v" })


--- Why a value is no list of ranges, or nil. An absent one is.
function _M.refusal(ranges, most, where)
    if ranges == nil then
        return nil
    end
    if not shape.is_array(ranges) or #ranges == 0 or #ranges > most then
        return format("%s must be a list of 1 to %d ranges", where, most)
    end
    for _, range in ipairs(ranges) do
        if not address_range.parse(range) then
            return format("%s: %s is no range of addresses", where, shape.quoted(range))
        end
    end
end


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
        local first, last = address_range.parse(text)
        local family = families[#first]
        family[#family + 1] = { first = first, last = last }
    end
    return setmetatable({
        [IPV4] = merged(families[IPV4]),
        [IPV6] = merged(families[IPV6]),
    }, _M)
end


--- As `new`, one for all equal lists; nil: there is no list.
function _M.of(ranges)
    if not ranges then
        return nil
    end
    local key = concat(ranges, " ")
    local set = sets[key]
    if not set then
        set = _M.new(ranges)
        sets[key] = set
    end
    return set
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
