-- Common names in a distinguished name as RFC 2253 writes it.

local char = string.char
local find = string.find
local gsub = string.gsub
local lower = string.lower
local match = string.match
local sub = string.sub
local tonumber = tonumber

local _M = {}


-- Behind the value that begins at `start`: its first `,` or `+` that has no backslash before it.
local function end_of_value(text, start)
    local position = start
    while true do
        position = find(text, "[\\,+]", position)
        if not position then
            return #text
        end
        if sub(text, position, position) ~= "\\" then
            return position - 1
        end
        position = position + 2
    end
end


-- A character, or the two digits of a byte.
local function unescaped(value)
    return (gsub(value, "\\(.)(%x?)", function(first, second)
        if second ~= "" and find(first, "%x") then
            return char(tonumber(first .. second, 16))
        end
        return first .. second
    end))
end


--- The only common name; nil where there is none, or several, of which one could pass for another.
function _M.common_name(text)
    local found
    local position = 1
    while position <= #text do
        local attribute, start = match(text, "^([%w.]+)=()", position)
        if not attribute then
            return nil
        end
        local last = end_of_value(text, start)
        if lower(attribute) == "cn" then
            if found then
                return nil
            end
            found = unescaped(sub(text, start, last))
        end
        position = last + 2
    end
    return found
end


return _M
