-- MurmurHash3 (x86, 32 bits): the hash of rings, tables, rendezvous and tokens. Every worker, pod
-- and release must come to the same number, and so must Lua 5.1, which has no operations on bits.

local byte = string.byte
local floor = math.floor
local tostring = tostring
local type = type

local has_bit, bit = pcall(require, "bit")

local WORD = 2 ^ 32

local _M = {}

-- Both forms take and give integers, of which only the lower 32 bits count; `unsigned` tells them.
local bxor, multiply, rotate, shift_right, unsigned

if has_bit then
    local lshift, tobit = bit.lshift, bit.tobit
    bxor, rotate, shift_right = bit.bxor, bit.rol, bit.rshift

    -- A product of 48 bits is still exact in a double, one of 64 is not.
    function multiply(a, high, low)
        return tobit(a * low + lshift(tobit(a * high), 16))
    end

    function unsigned(a)
        return tobit(a) % WORD
    end
else
    local XOR_NIBBLES = {}
    for a = 0, 15 do
        for b = 0, 15 do
            local result, place, left, right = 0, 1, a, b
            for _ = 1, 4 do
                if left % 2 ~= right % 2 then
                    result = result + place
                end
                left, right, place = floor(left / 2), floor(right / 2), place * 2
            end
            XOR_NIBBLES[a * 16 + b] = result
        end
    end

    function bxor(a, b)
        local result, place = 0, 1
        a, b = a % WORD, b % WORD
        while a > 0 or b > 0 do
            local left, right = a % 16, b % 16
            result = result + XOR_NIBBLES[left * 16 + right] * place
            a, b, place = (a - left) / 16, (b - right) / 16, place * 16
        end
        return result
    end

    function multiply(a, high, low)
        a = a % WORD
        return (a * low + a * high % 65536 * 65536) % WORD
    end

    function rotate(a, count)
        a = a % WORD
        return a * 2 ^ count % WORD + floor(a / 2 ^ (32 - count))
    end

    function shift_right(a, count)
        return floor(a % WORD / 2 ^ count)
    end

    function unsigned(a)
        return a % WORD
    end
end


local function finalize(h)
    h = multiply(bxor(h, shift_right(h, 16)), 0x85eb, 0xca6b)
    h = multiply(bxor(h, shift_right(h, 13)), 0xc2b2, 0xae35)
    return unsigned(bxor(h, shift_right(h, 16)))
end


local function scramble(word)
    return multiply(rotate(multiply(word, 0xcc9e, 0x2d51), 15), 0x1b87, 0x3593)
end


--- Hash of a text.
-- @param seed integer of 32 bits, 0 when absent: another seed gives an independent hash
-- @return integer, 0 to 2^32 - 1
function _M.hash(text, seed)
    local length = #text
    local h = seed or 0
    local tail = length - length % 4
    for i = 1, tail, 4 do
        local a, b, c, d = byte(text, i, i + 3)
        h = bxor(h, scramble(a + b * 0x100 + c * 0x10000 + d * 0x1000000))
        h = multiply(rotate(h, 13), 0, 5) + 0xe6546b64
    end
    if tail < length then
        local a, b, c = byte(text, tail + 1, length)
        h = bxor(h, scramble(a + (b or 0) * 0x100 + (c or 0) * 0x10000))
    end
    return finalize(bxor(h, length))
end


--- Scatters an integer (a counter, a sum of hashes): one to one on 32 bits.
function _M.mix(number)
    return finalize(number % WORD)
end


--- Hash of a key of a request: a text, or a number that is a hash already.
function _M.of_key(key)
    if type(key) == "number" then
        return floor(key) % WORD
    end
    return _M.hash(tostring(key))
end


return _M
