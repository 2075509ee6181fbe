-- Ranges of IP addresses, such as `10.0.0.0/8`, and whether an address lies in one.

local address = require "ingress.pure.address"

local byte = string.byte
local char = string.char
local floor = math.floor
local match = string.match
local rep = string.rep
local sub = string.sub
local tonumber = tonumber
local unpack = unpack

local LONGEST = 64

local _M = {}


--- @return {length, prefix, divisor, rest}: of addresses of `length` bytes those that begin with
-- the bytes `prefix`, and whose next byte, divided by `divisor`, is `rest`; nil: no range
function _M.parse(text)
    if type(text) ~= "string" or #text > LONGEST then
        return nil
    end
    local host, suffix = match(text, "^([^/]+)/(%d%d?%d?)$")
    local bytes = address.parse(host or text)
    local bits = tonumber(suffix) or bytes and #bytes * 8
    if not bytes or bits > #bytes * 8 then
        return nil
    end
    local whole, rest_bits = floor(bits / 8), bits % 8
    return {
        length = #bytes,
        prefix = char(unpack(bytes, 1, whole)),
        divisor = rest_bits > 0 and 2 ^ (8 - rest_bits) or nil,
        rest = rest_bits > 0 and floor(bytes[whole + 1] / 2 ^ (8 - rest_bits)) or nil,
    }
end


--- The first and the last address of a range, as bytes.
function _M.bounds(range)
    local first, last = range.prefix, range.prefix
    local divisor = range.divisor
    if divisor then
        local lowest = range.rest * divisor
        first, last = first .. char(lowest), last .. char(lowest + divisor - 1)
    end
    local left = range.length - #first
    return first .. rep("\0", left), last .. rep("\255", left)
end


--- @param raw 4 or 16 bytes, as `$binary_remote_addr`
function _M.holds(range, raw)
    local prefix = range.prefix
    if #raw ~= range.length or sub(raw, 1, #prefix) ~= prefix then
        return false
    end
    local divisor = range.divisor
    return not divisor or floor(byte(raw, #prefix + 1) / divisor) == range.rest
end


return _M
