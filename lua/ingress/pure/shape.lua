-- Questions about decoded JSON. A reason (text for people) is returned for what is wrong, nil for
-- what is right, so that the first reason of a chain of `or` is the answer.

local type = type
local pairs = pairs
local floor = math.floor
local format = string.format

-- Larger numbers are not exact.
local LARGEST = 2 ^ 53

local _M = {}


--- The decoder cannot tell `[]` from `{}`: an empty table is both.
function _M.is_array(value)
    if type(value) ~= "table" then
        return false
    end
    local count = 0
    for key in pairs(value) do
        if type(key) ~= "number" then
            return false
        end
        count = count + 1
    end
    return count == #value
end


function _M.is_object(value)
    if type(value) ~= "table" then
        return false
    end
    for key in pairs(value) do
        if type(key) ~= "string" then
            return false
        end
    end
    return true
end


function _M.is_integer(value, min, max)
    return type(value) == "number" and value >= min and value <= (max or LARGEST)
        and value == floor(value)
end


--- Text without control characters (NUL included), at most `max` bytes.
function _M.is_text(value, max)
    return type(value) == "string" and #value <= max and not value:find("%c")
end


--- A value of an object in a message: short and printable.
function _M.quoted(value)
    if type(value) ~= "string" then
        return "a " .. type(value)
    end
    local text = #value <= 60 and value or value:sub(1, 60) .. "..."
    return '"' .. text:gsub("[%z\1-\31\127\"\\]", "?") .. '"'
end


--- An object with no other members than those named in the set `known`.
function _M.object(value, known, where)
    if not _M.is_object(value) then
        return format("%s must be an object", where)
    end
    for name in pairs(value) do
        if not known[name] then
            return format("%s has an unknown member %s", where, _M.quoted(name))
        end
    end
end


--- A list of at most `most` items.
function _M.list(value, most, where)
    if not _M.is_array(value) then
        return where .. " must be a list"
    end
    if #value > most then
        return format("%s has more than %d entries", where, most)
    end
end


--- The first reason that `check(item, where, deps)` gives for an item of a list.
function _M.each(items, where, check, deps)
    for i = 1, #items do
        local reason = check(items[i], format("%s[%d]", where, i - 1), deps)
        if reason then
            return reason
        end
    end
end


return _M
