-- The cookie that keeps a client with its endpoint; acted on by the balancer (affinity.lua).

local shape = require "ingress.pure.shape"

local find = string.find
local format = string.format

local LONGEST_NAME = 128
local LONGEST_PATH = 512
local LONGEST_DOMAIN = 254
local MOST_SECONDS = 999999999

local MEMBERS = {
    name = true, mode = true, path = true, domain = true, max_age = true, expires = true,
    same_site = true, conditional_same_site_none = true, secure = true, change_on_failure = true,
}
local MODES = { balanced = true, persistent = true }
local SAME_SITES = { None = true, Lax = true, Strict = true }
local SWITCHES = { "conditional_same_site_none", "secure", "change_on_failure" }

local _M = {}


local function is_match(value, longest, pattern)
    return type(value) == "string" and #value <= longest and find(value, pattern) ~= nil
end


--- The token of RFC 9110, of which RFC 6265 makes the name of a cookie.
function _M.is_cookie_name(value)
    return is_match(value, LONGEST_NAME, "^[%w!#$%%&'*+.^_`|~-]+$")
end


-- What could end an attribute early is refused, here once more.
local function check_texts(value)
    return not _M.is_cookie_name(value.name) and "affinity.name must be the name of a cookie"
        or value.path ~= nil and not is_match(value.path, LONGEST_PATH, "^/[!-:<-~]*$")
            and "affinity.path must be a path of printable ASCII characters without semicolon"
        or value.domain ~= nil and not is_match(value.domain, LONGEST_DOMAIN, "^[a-z0-9.-]+$")
            and "affinity.domain must be a DNS name"
        or nil
end


local function check_words(value)
    return not MODES[value.mode] and "affinity.mode must be balanced or persistent"
        or value.same_site ~= nil and not SAME_SITES[value.same_site]
            and "affinity.same_site must be None, Lax or Strict"
        or nil
end


local function check_rest(value)
    for _, name in ipairs({ "max_age", "expires" }) do
        local seconds = value[name]
        if seconds ~= nil and not shape.is_integer(seconds, -MOST_SECONDS, MOST_SECONDS) then
            return format("affinity.%s must be a whole number of seconds", name)
        end
    end
    for _, name in ipairs(SWITCHES) do
        if value[name] ~= nil and type(value[name]) ~= "boolean" then
            return format("affinity.%s must be true or false", name)
        end
    end
end


function _M.validate(value)
    return shape.object(value, MEMBERS, "affinity")
        or check_texts(value)
        or check_words(value)
        or check_rest(value)
end


return _M
