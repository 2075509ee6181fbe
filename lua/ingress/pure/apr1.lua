-- Apache's form of MD5-crypt (APR, crypto/apr_md5.c), which the C library does not know.

local byte = string.byte
local char = string.char
local floor = math.floor
local sub = string.sub
local table = table

local ROUNDS = 1000
local ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
-- Which bytes of the digest go together, from the most significant one on.
local GROUPS = { { 1, 7, 13 }, { 2, 8, 14 }, { 3, 9, 15 }, { 4, 10, 16 }, { 5, 11, 6 } }

local _M = {}


local function encode(value, length)
    local digits = {}
    for i = 1, length do
        local digit = value % 64
        digits[i] = sub(ALPHABET, digit + 1, digit + 1)
        value = floor(value / 64)
    end
    return table.concat(digits)
end


local function printed(digest)
    local parts = {}
    for i, group in ipairs(GROUPS) do
        local high, middle, low = byte(digest, group[1]), byte(digest, group[2]),
            byte(digest, group[3])
        parts[i] = encode(high * 65536 + middle * 256 + low, 4)
    end
    return table.concat(parts) .. encode(byte(digest, 12), 2)
end


local function first_digest(password, salt, md5)
    local inner = md5(password .. salt .. password)
    local length = #password
    local parts = {
        password, "$apr1$", salt, inner:rep(floor(length / 16)), sub(inner, 1, length % 16),
    }
    while length > 0 do
        parts[#parts + 1] = length % 2 == 1 and char(0) or sub(password, 1, 1)
        length = floor(length / 2)
    end
    return md5(table.concat(parts))
end


--- @param salt  at most 8 bytes
-- @param md5   function(text) -> 16 bytes
-- @return `$apr1$salt$hash`
function _M.hash(password, salt, md5)
    local digest = first_digest(password, salt, md5)
    for i = 0, ROUNDS - 1 do
        local is_odd = i % 2 == 1
        digest = md5((is_odd and password or digest)
            .. (i % 3 ~= 0 and salt or "")
            .. (i % 7 ~= 0 and password or "")
            .. (is_odd and digest or password))
    end
    return "$apr1$" .. salt .. "$" .. printed(digest)
end


return _M
