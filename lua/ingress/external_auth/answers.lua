-- Answers of external authentication that are kept, in memory that all workers share: of a route,
-- for requests with the same key.

local cjson = require "cjson.safe"
local expiring = require "ingress.expiring"

local find = string.find
local format = string.format
local ipairs = ipairs
local lower = string.lower
local type = type

local LONGEST_KEY = 16384
-- Variables with what clients show of themselves, as in sidecar/policy/external-auth-grammar.ts.
local CREDENTIALS = {
    "^arg_", "^cookie_", "^http_cookie$", "^http_.*auth", "^http_.*key", "^http_.*session",
    "^http_.*token",
}

local kept = ngx.shared.resty_ingress_answers

local _M = {}


local function is_credential(part)
    for _, pattern in ipairs(CREDENTIALS) do
        if part.var and find(part.var, pattern) then
            return true
        end
    end
    return false
end


-- function() -> whether the client of the request at hand shows any; nil: the key has none. One
-- that shows none may be known by something else (another header, an address): what is said of it
-- would hold for everybody who shows none.
local function compile_shown(key, route, templates)
    local parts = {}
    for _, part in ipairs(key) do
        if is_credential(part) then
            parts[#parts + 1] = part
        end
    end
    local text_of = parts[1] and templates.compile(parts, route)
    return text_of and function()
        return text_of() ~= ""
    end
end


--- @param value  record (policy/external_auth.lua) with `cache`
-- @return {key, seconds}: function that tells the key of the request at hand, nil: not to be kept
function _M.compile(value, route, templates)
    local cache = value.cache
    local text_of = templates.compile(cache.key, route)
    local shows_any = compile_shown(cache.key, route, templates)
    return {
        seconds = cache.seconds,
        -- Hashed, so that what is secret in it is not kept.
        key = function()
            if shows_any and not shows_any() then
                return nil
            end
            local text = text_of()
            if #text > LONGEST_KEY then
                return nil
            end
            return cache.scope .. ngx.encode_base64(ngx.sha1_bin(text))
        end,
    }
end


--- The verdict of before, if it still holds.
function _M.find(key)
    local text = key and expiring.get(kept, key)
    return text and cjson.decode(text)
end


-- As NGINX does with answers that it caches.
local function may_keep(headers)
    local control = headers["Cache-Control"]
    local said = lower(type(control) == "table" and table.concat(control, ",") or control or "")
    return not headers["Set-Cookie"]
        and not (find(said, "no-store", 1, true) or find(said, "no-cache", 1, true)
            or find(said, "private", 1, true))
end


--- @param headers of the answer
function _M.keep(key, verdict, cache, headers)
    local seconds = cache.seconds[format("%d", verdict.status)]
    if seconds and may_keep(headers) then
        expiring.set(kept, key, cjson.encode(verdict), seconds)
    end
end


return _M
