-- /v1/files/NAME: files that nginx.conf names, such as certificate authorities, which NGINX reads
-- from disk alone. A name is the SHA-256 of the content, so a file never changes.

local answer = require "ingress.control.answer"
local ffi = require "ffi"
local process = require "ingress.process"
local ssl = require "ngx.ssl"

local C = ffi.C
local gmatch = string.gmatch
local match = string.match

local NAME = "^%x+%.pem$"
local NAMED = "files/(%x+%.pem)"
local DIGEST_BYTES = 32
local LARGEST = 1048576
local FOLDER = ngx.config.prefix() .. "files/"
-- Names of files that no configuration has named yet.
local UPLOADED = "files/"

ffi.cdef [[
unsigned char *SHA256(const unsigned char *data, size_t length, unsigned char *digest);
]]

local state = ngx.shared.resty_ingress_state

local _M = {}


local function sha256(text)
    local digest = ffi.new("unsigned char[?]", DIGEST_BYTES)
    C.SHA256(text, #text, digest)
    return (ffi.string(digest, DIGEST_BYTES):gsub(".", function(byte)
        return ("%02x"):format(byte:byte())
    end))
end


local function refusal(name, text)
    if not match(name, NAME) or name ~= sha256(text) .. ".pem" then
        return "the name must be the SHA-256 of the content and .pem"
    end
    if #text > LARGEST then
        return ("the file is larger than %d bytes"):format(LARGEST)
    end
    local certificates, err = ssl.parse_pem_cert(text)
    return not certificates and "not certificates in PEM: " .. err or nil
end


local function write(path, text)
    local file = assert(io.open(path, "wb"))
    -- Before there is anything in it.
    assert(process.set_mode(path, "600"))
    assert(file:write(text))
    assert(file:close())
end


local function exists(path)
    local file = io.open(path, "rb")
    if file then
        file:close()
    end
    return file ~= nil
end


--- 200 also when the file is there already.
function _M.put(name, text)
    local reason = refusal(name, text)
    if reason then
        return answer.error(400, reason)
    end
    local path = FOLDER .. name
    if not exists(path) then
        local draft = path .. ".new"
        write(draft, text)
        assert(os.rename(draft, path))
    end
    -- Which one goes when nobody comes to name it.
    state:set(UPLOADED .. name, true)
    return answer.ok({})
end


local function names_in(text)
    local names = {}
    for name in gmatch(text, NAMED) do
        names[name] = true
    end
    return names
end


local function uploaded()
    local names = {}
    for _, key in ipairs(state:get_keys(0)) do
        local name = match(key, "^files/(.*)$")
        if name then
            names[name] = true
        end
    end
    return names
end


--- Another configuration runs: what the one before named, and what was put for none, goes.
-- @param before  its text
function _M.collect(before, now)
    local needed, gone = names_in(now), uploaded()
    for name in pairs(gone) do
        state:delete(UPLOADED .. name)
    end
    for name in pairs(names_in(before)) do
        gone[name] = true
    end
    for name in pairs(gone) do
        if not needed[name] then
            os.remove(FOLDER .. name)
        end
    end
end


return _M
