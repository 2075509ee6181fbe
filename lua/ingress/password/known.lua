-- Passwords that were found right, so that only the first request of a client waits for the check.
-- What is kept says nothing without the key, which no restart of NGINX outlives, and of a hash that
-- is no longer in a record nobody asks again. Wrong ones are not kept: whoever guesses could push
-- out the others.

local ffi = require "ffi"

local C = ffi.C
local concat = table.concat

local KEY = "password_key"
local KEY_LENGTH = 32
local SHA256_LENGTH = 32
-- Seconds since the last use.
local LIFETIME = 300

local dictionary = ngx.shared.resty_ingress_passwords
local state = ngx.shared.resty_ingress_state

ffi.cdef [[
int RAND_bytes(unsigned char *buffer, int length);
const void *EVP_sha256(void);
unsigned char *HMAC(const void *digest, const void *key, int key_length, const char *data,
    size_t length, unsigned char *result, unsigned int *result_length);
]]

local buffer = ffi.new("unsigned char[?]", SHA256_LENGTH)

local _M = {}


local function random_key()
    local bytes = ffi.new("unsigned char[?]", KEY_LENGTH)
    if C.RAND_bytes(bytes, KEY_LENGTH) ~= 1 then
        error("there are no random bytes for the key of known passwords")
    end
    return ffi.string(bytes, KEY_LENGTH)
end


-- One for all workers, of every generation.
local function shared_key()
    state:safe_add(KEY, random_key())
    return state:get(KEY) or random_key()
end


local key = shared_key()


--- A name for these texts together that tells nothing of them: 32 bytes.
-- @param texts array, none with NUL
function _M.tag(texts)
    local data = concat(texts, "\0")
    if C.HMAC(C.EVP_sha256(), key, KEY_LENGTH, data, #data, buffer, nil) == nil then
        error("HMAC failed")
    end
    return ffi.string(buffer, SHA256_LENGTH)
end


--- Whether these texts were right lately; if so, they stay known for longer.
function _M.has(tag)
    if dictionary:get(tag) then
        dictionary:expire(tag, LIFETIME)
        return true
    end
    return false
end


--- They are right.
function _M.add(tag)
    dictionary:set(tag, true, LIFETIME)
end


return _M
