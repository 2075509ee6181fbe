-- Paths that are regular expressions: anchored at the start, case-insensitive, with the match limit
-- of nginx.conf.

local find_regex = ngx.re.find
local match_regex = ngx.re.match

local _M = {}


-- `^(?:...)`: an alternation in the pattern cannot leave the anchor.
local function anchored(pattern)
    return "^(?:" .. pattern .. ")"
end


--- Whether a path matches; false, err when that took too long.
function _M.matches(path, pattern)
    local from, _, err = find_regex(path, anchored(pattern), "ijo")
    return from ~= nil, err
end


--- Whether a pattern is found anywhere in a text, whose case counts unless `caseless`; false, err
-- when that took too long. One match from the begin: the limit of matching holds for each place
-- where one begins, and there are thousands in a long header.
function _M.finds(text, pattern, caseless)
    local options = caseless and "ijo" or "jo"
    local from, _, err = find_regex(text, "^(?s:.*?)(?:" .. pattern .. ")", options)
    return from ~= nil, err
end


--- What the groups matched: {[0], [1], ...}, false for a group that took no part; nil for no match.
function _M.captures(path, pattern)
    return match_regex(path, anchored(pattern), "ijo")
end


--- true, or nil, err: whether a pattern compiles.
function _M.compiles(pattern)
    local _, _, err = find_regex("", anchored(pattern), "ij")
    if err then
        return nil, err
    end
    return true
end


return _M
