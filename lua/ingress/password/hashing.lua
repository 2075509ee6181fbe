-- Whether a password belongs to a hash. Most schemes take long on purpose: those are checked in a
-- thread of their own (password/checks.lua), which has a Lua of its own, with little of `ngx`.

local apr1 = require "ingress.pure.apr1"
local ffi = require "ffi"
local password_hash = require "ingress.pure.password_hash"

local C = ffi.C
local match = string.match
local md5 = ngx.md5_bin
local sha1 = ngx.sha1_bin
local sub = string.sub

-- `struct crypt_data` is 32 KiB in libxcrypt, 131232 bytes in glibc, and less in musl.
local CRYPT_DATA_SIZE = 139264
local SHA1_LENGTH = 20
local PROCESS = 0
-- Of the thread alone: what others wait for goes first, but this is not starved either.
local NICE = 10

ffi.cdef [[
char *crypt_r(const char *phrase, const char *setting, void *data);
int CRYPTO_memcmp(const void *left, const void *right, size_t length);
int setpriority(int which, unsigned int who, int nice);
]]

local data

local _M = {}


-- In a time that tells nothing of where they differ.
local function equals(left, right)
    return #left == #right and C.CRYPTO_memcmp(left, right, #left) == 0
end


-- By the libcrypt that NGINX is linked with. What it calculates with does not stay behind.
local function crypt(password, hash)
    data = data or ffi.new("char[?]", CRYPT_DATA_SIZE)
    local result = C.crypt_r(password, hash, data)
    local text = result ~= nil and ffi.string(result) or ""
    ffi.fill(data, CRYPT_DATA_SIZE)
    -- Where it fails there is an asterisk, which no hash begins with.
    if sub(text, 1, 1) ~= "$" then
        return nil, "the libcrypt of this NGINX does not know the scheme"
    end
    return equals(text, hash)
end


local function is_plain(password, hash)
    return equals(sha1(password), sha1(sub(hash, #"{PLAIN}" + 1)))
end


local CHECKS = {
    apr1 = function(password, hash)
        return equals(apr1.hash(password, match(hash, "^%$apr1%$([^$]*)"), md5), hash)
    end,
    SHA = function(password, hash)
        return equals("{SHA}" .. ngx.encode_base64(sha1(password)), hash)
    end,
    SSHA = function(password, hash)
        local decoded = ngx.decode_base64(sub(hash, #"{SSHA}" + 1)) or ""
        return equals(sha1(password .. sub(decoded, SHA1_LENGTH + 1)), sub(decoded, 1, SHA1_LENGTH))
    end,
    PLAIN = is_plain,
}


--- true or false; nil, err: nobody can tell.
-- @param password  without NUL
-- @param hash      one that `password_hash` knows
function _M.matches(password, hash)
    local scheme = password_hash.scheme(hash)
    if not scheme then
        return nil, "the hash is of no known form"
    end
    return (CHECKS[scheme] or crypt)(password, hash)
end


--- The same in a thread of its own, which others go before.
function _M.matches_in_thread(password, hash)
    C.setpriority(PROCESS, 0, NICE)
    return _M.matches(password, hash)
end


return _M
