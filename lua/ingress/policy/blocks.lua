-- Whom the administrator keeps out of all routes: by address, by `User-Agent`, by `Referer`.

local address_set = require "ingress.pure.address_set"
local shape = require "ingress.pure.shape"

local format = string.format
local lower = string.lower

local FORBIDDEN = 403
local MOST_RANGES = 1000
local MOST_PATTERNS = 100
local LONGEST_TEXT = 512
local MEMBERS = { addresses = true, user_agents = true, referers = true }
local PATTERN = { text = true, pattern = true, caseless = true }

local _M = {}


local function check_pattern(value, where, deps)
    local reason = shape.object(value, PATTERN, where)
    if reason then
        return reason
    end
    if (value.text == nil) == (value.pattern == nil) then
        return where .. " must have one of text and pattern"
    end
    if value.caseless ~= nil and (value.caseless ~= true or not value.pattern) then
        return where .. ".caseless must be true, beside a pattern"
    end
    if not shape.is_text(value.text or value.pattern, LONGEST_TEXT) then
        return format("%s must be text of at most %d bytes", where, LONGEST_TEXT)
    end
    if not value.pattern then
        return nil
    end
    local ok, err = deps.compiles(value.pattern)
    return not ok and format("%s.pattern is no regular expression: %s", where, err) or nil
end


local function check_patterns(patterns, where, deps)
    if patterns == nil then
        return nil
    end
    if not shape.is_array(patterns) or #patterns == 0 or #patterns > MOST_PATTERNS then
        return format("%s must be a list of 1 to %d patterns", where, MOST_PATTERNS)
    end
    for i, pattern in ipairs(patterns) do
        local reason = check_pattern(pattern, format("%s[%d]", where, i - 1), deps)
        if reason then
            return reason
        end
    end
end


--- deps: `compiles(pattern)` -> true | nil, err
function _M.validate(value, deps)
    return shape.object(value, MEMBERS, "blocks")
        or address_set.refusal(value.addresses, MOST_RANGES, "blocks.addresses")
        or check_patterns(value.user_agents, "blocks.user_agents", deps)
        or check_patterns(value.referers, "blocks.referers", deps)
        or next(value) == nil and "blocks must not be empty"
        or nil
end


function _M.default(_, setting)
    return setting.blocks
end


-- What takes too long to compare is blocked, or a long header would be the way around.
local function matches(text, patterns, finds)
    local lowered = lower(text)
    for i = 1, #patterns do
        local one = patterns[i]
        if one.text == lowered then
            return true
        end
        local found, err
        if one.pattern then
            found, err = finds(text, one.pattern, one.caseless)
        end
        if found or err then
            return true
        end
    end
    return false
end


local function is_blocked(value, addresses, finds)
    local var = ngx.var
    return addresses and addresses:holds(var.binary_remote_addr)
        or value.user_agents and matches(var.http_user_agent or "", value.user_agents, finds)
        or value.referers and matches(var.http_referer or "", value.referers, finds)
end


function _M.compile(value)
    -- Policies are loaded without NGINX, too.
    local finds = require("ingress.path_regex").finds
    local addresses = address_set.of(value.addresses)
    return function()
        if is_blocked(value, addresses, finds) then
            return ngx.exit(FORBIDDEN)
        end
    end
end


return _M
