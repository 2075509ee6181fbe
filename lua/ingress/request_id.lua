-- Identifiers for requests that bring none: 32 hexadecimal digits, as `$request_id` has, whose
-- random numbers cost a twelfth of a whole proxied request. Ours begin with 96 random bits of the
-- worker and end with a count, scattered, since people sample requests by the digits.

local bit = require "bit"
local ffi = require "ffi"
local process = require "ingress.process"
local variable = require "ingress.variable"

local band = bit.band
local bxor = bit.bxor
local rshift = bit.rshift
local tobit = bit.tobit
local set_variable = variable.set

local DIGITS = 32
local RANDOM_BYTES = 12
-- Odd, so that no two numbers of 32 bits have the same product; small, so that it is exact.
local FACTOR = 0x45d9f

local _M = {}

-- The two digits of each byte.
local digits = ffi.new("uint16_t[256]")
local text = ffi.new("unsigned char[?]", DIGITS)
local text_bytes = ffi.cast("uint16_t *", text)
local count, first


for byte = 0, 255 do
    ffi.copy(digits + byte, ("%02x"):format(byte), 2)
end


--- In each worker, at its start.
function _M.seed()
    local random = process.random_id()
    ffi.copy(text, random, DIGITS)
    count = tobit(tonumber(random:sub(2 * RANDOM_BYTES + 1), 16))
    first = count
end


-- Every number has another image.
local function scatter(number)
    number = bxor(number, rshift(number, 16))
    number = tobit(number * FACTOR)
    return bxor(number, rshift(number, 15))
end


local function next_id()
    count = tobit(count + 1)
    if count == first then
        _M.seed()
    end
    local low = scatter(count)
    text_bytes[RANDOM_BYTES] = digits[rshift(low, 24)]
    text_bytes[RANDOM_BYTES + 1] = digits[band(rshift(low, 16), 255)]
    text_bytes[RANDOM_BYTES + 2] = digits[band(rshift(low, 8), 255)]
    text_bytes[RANDOM_BYTES + 3] = digits[band(low, 255)]
end


--- Gives a variable (variable.lua) of the current request a new identifier. From a buffer: a Lua
-- string for each request would be garbage to collect.
function _M.set_new(to)
    next_id()
    set_variable(to, text, DIGITS)
end


return _M
