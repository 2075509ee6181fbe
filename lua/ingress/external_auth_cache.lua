-- Answers of external authentication that are kept, in memory that all workers share: of a route,
-- for requests with the same key.

local cjson = require "cjson.safe"

local find = string.find
local format = string.format
local lower = string.lower
local type = type

local LONGEST_KEY = 16384

local kept = ngx.shared.resty_ingress_answers

local _M = {}


--- @param value  record (policy/external_auth.lua) with `cache`
-- @return {key, seconds}: function that tells the key of the request at hand, nil: not to be kept
function _M.compile(value, route, templates)
    local cache = value.cache
    local text_of = templates.compile(cache.key, route)
    return {
        seconds = cache.seconds,
        -- Hashed, so that what is secret in it is not kept.
        key = function()
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
    local text = key and kept:get(key)
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
        kept:set(key, cjson.encode(verdict), seconds)
    end
end


return _M
