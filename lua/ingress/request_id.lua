-- Identifiers for requests that bring none: 32 hexadecimal digits, as `$request_id` has, whose
-- random numbers cost a twelfth of a whole proxied request. Ours begin with 96 random bits of the
-- worker and end with a count, scattered, since people sample requests by the digits.

local bit = require "bit"
local ffi = require "ffi"
local get_request = require("resty.core.base").get_request
local process = require "ingress.process"
require "resty.core.var"

local band = bit.band
local bxor = bit.bxor
local rshift = bit.rshift
local tobit = bit.tobit
-- What `ngx.var` calls. That takes Lua strings: one for each request would be garbage to collect.
local set_variable = ffi.C.ngx_http_lua_ffi_var_set

local DIGITS = 32
local RANDOM_BYTES = 12
-- Odd, so that no two numbers of 32 bits have the same product; small, so that it is exact.
local FACTOR = 0x45d9f
local LONGEST_ERROR = 256

local _M = {}

-- The two digits of each byte.
local digits = ffi.new("uint16_t[256]")
local text = ffi.new("unsigned char[?]", DIGITS)
local text_bytes = ffi.cast("uint16_t *", text)
local error_text = ffi.new("unsigned char[?]", LONGEST_ERROR)
local error_length = ffi.new("size_t[1]")
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


--- Makes a function that gives a variable of the current request a new identifier.
function _M.setter(name)
    local lower_case = ffi.new("unsigned char[?]", #name)
    return function()
        next_id()
        error_length[0] = LONGEST_ERROR
        local status = set_variable(get_request(), name, #name, lower_case, text, DIGITS,
            error_text, error_length)
        if status ~= 0 then
            error(ffi.string(error_text, error_length[0]))
        end
    end
end


return _M
