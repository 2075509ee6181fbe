-- The forms in which a htpasswd file keeps a password. What it costs to check one is bounded here:
-- clients make us do it. sidecar/source/secret/password-hash.ts has the same table.

local find = string.find
local match = string.match
local tonumber = tonumber

-- A quarter to half a second of a core.
local MOST_BCRYPT_COST = 12
local MOST_SHA_ROUNDS = 700000
-- Shorter ones are checked as if they said this; so no file has them.
local LEAST_SHA_ROUNDS = 1000
local LONGEST = 512

local SCHEMES = {
    { prefix = "^%$2[aby]%$", name = "bcrypt" },
    { prefix = "^%$apr1%$", name = "apr1", salt = 8, length = 22 },
    { prefix = "^%$1%$", name = "md5", salt = 8, length = 22 },
    { prefix = "^%$5%$", name = "sha256", salt = 16, length = 43 },
    { prefix = "^%$6%$", name = "sha512", salt = 16, length = 86 },
    { prefix = "^{SHA}", name = "SHA" },
    { prefix = "^{SSHA}", name = "SSHA" },
    { prefix = "^{PLAIN}", name = "PLAIN" },
}
-- Those that cost so little that NGINX can check them while others wait.
local CHEAP = { SHA = true, SSHA = true, PLAIN = true }

local _M = {}


local function is_base64(text, least)
    return #text % 4 == 0 and #text >= least and find(text, "^[A-Za-z0-9+/]+=?=?$") ~= nil
end


local function is_bcrypt(hash)
    local cost, rest = match(hash, "^%$2[aby]%$(%d%d)%$([./A-Za-z0-9]+)$")
    return cost ~= nil and #rest == 53 and tonumber(cost) >= 4
        and tonumber(cost) <= MOST_BCRYPT_COST
end


local function are_rounds(rounds)
    return rounds == nil or #rounds <= 6 and tonumber(rounds) >= LEAST_SHA_ROUNDS
        and tonumber(rounds) <= MOST_SHA_ROUNDS
end


-- `$id$salt$hash`; of the SHA schemes also `$id$rounds=N$salt$hash`.
local function is_crypt(hash, scheme)
    local rest = match(hash, "^%$%w+%$(.*)$")
    local rounds
    if scheme.salt > 8 and find(rest, "^rounds=") then
        rounds, rest = match(rest, "^rounds=([1-9]%d*)%$(.*)$")
    end
    local salt, digest = match(rest or "", "^([./A-Za-z0-9]+)%$([./A-Za-z0-9]+)$")
    return salt ~= nil and #salt <= scheme.salt and #digest == scheme.length
        and are_rounds(rounds)
end


local CHECKS = {
    bcrypt = is_bcrypt,
    SHA = function(hash)
        return #hash == 33 and find(hash, "^{SHA}[A-Za-z0-9+/]+=$") ~= nil
    end,
    SSHA = function(hash)
        return is_base64(hash:sub(7), 28)
    end,
    PLAIN = function(hash)
        return #hash > 7 and not find(hash, "%c")
    end,
}


--- The name of the scheme of a hash that can be checked, or nil.
function _M.scheme(hash)
    if #hash > LONGEST then
        return nil
    end
    for i = 1, #SCHEMES do
        local scheme = SCHEMES[i]
        if find(hash, scheme.prefix) then
            return (CHECKS[scheme.name] or is_crypt)(hash, scheme) and scheme.name or nil
        end
    end
end


--- Whether a hash of this scheme may be checked without another thread.
function _M.is_cheap(scheme)
    return CHEAP[scheme] == true
end


return _M
