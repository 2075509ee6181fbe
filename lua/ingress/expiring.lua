-- Values in a shared dictionary that hold for some seconds. What the dictionary itself offers for
-- that goes by the time of day: when that is set, all would be over at once, or hold for hours
-- more. What is over stays in its place until somebody deletes it, or the dictionary has no room.

local monotonic_time = require("resty.core.time").monotonic_time

local format = string.format
local match = string.match
local tonumber = tonumber

-- Seconds; of a mark, which is of use for the moment in which several workers look.
local TURN = 1

local _M = {}


-- Its end and its value.
local function parse(text)
    local until_time, value = match(text, "^(%S+) (.*)$")
    return tonumber(until_time), value
end


-- So is what an older version left there before a reload.
local function is_over(text)
    return monotonic_time() >= (parse(text) or 0)
end


local function text_of(value, seconds)
    return format("%.3f %s", monotonic_time() + seconds, value)
end


--- As `DICT:set`, of a text or a whole number.
function _M.set(dictionary, key, value, seconds)
    return dictionary:set(key, text_of(value, seconds))
end


--- As `DICT:add`: of several workers one succeeds, also when they find what is over.
function _M.add(dictionary, key, value, seconds)
    local before = dictionary:get(key)
    if not before then
        return dictionary:add(key, text_of(value, seconds))
    elseif not is_over(before) or not dictionary:add("turn/" .. key .. before, true, TURN) then
        return false, "exists"
    end
    return _M.set(dictionary, key, value, seconds)
end


--- The value as text; nil: there is none that holds.
function _M.get(dictionary, key)
    local text = dictionary:get(key)
    if not text or is_over(text) then
        return nil
    end
    local _, value = parse(text)
    return value
end


return _M
