-- Ranges of IP addresses, such as `10.0.0.0/8`.

local address = require "ingress.pure.address"

local char = string.char
local match = string.match
local max = math.max
local min = math.min
local tonumber = tonumber
local unpack = unpack

local LONGEST = 64
local BITS = 8

local _M = {}


--- @return the first and the last address, as bytes; nil: no range
function _M.parse(text)
    if type(text) ~= "string" or #text > LONGEST then
        return nil
    end
    local host, suffix = match(text, "^([^/]+)/(%d%d?%d?)$")
    local bytes = address.parse(host or text)
    local bits = tonumber(suffix) or bytes and #bytes * BITS
    if not bytes or bits > #bytes * BITS then
        return nil
    end
    local first, last = {}, {}
    for i, value in ipairs(bytes) do
        -- How many values this byte may have: a power of two, from one to all.
        local count = 2 ^ min(max(i * BITS - bits, 0), BITS)
        first[i] = value - value % count
        last[i] = first[i] + count - 1
    end
    return char(unpack(first)), char(unpack(last))
end


return _M
