-- Changes of headers as records say them: an array of steps, `{set, value}`, `{add, value}`,
-- `{remove}`, `{take}`, and of answers `{hide}` and `{expires}`, with `statuses` and `types`.

local shape = require "ingress.pure.shape"
local template = require "ingress.pure.template_record"

local find = string.find
local format = string.format
local lower = string.lower

local MOST = 500
local LONGEST_NAME = 128
local MOST_CONDITIONS = 32
local LONGEST_TYPE = 128
local MOST_SECONDS = 31536000 * 100
local NAME = "^[%w!#$%%&'*+.^_`|~-]+$"

-- What tells where a message ends and what a connection is for: no record can change it.
local FRAMING = {
    connection = true, ["content-length"] = true, ["keep-alive"] = true, te = true,
    ["proxy-connection"] = true, trailer = true, ["transfer-encoding"] = true, upgrade = true,
}
local STEPS = {
    request = { set = true, add = true, remove = true, take = true },
    response = {
        set = true, add = true, remove = true, hide = true, expires = true, take = true,
    },
}
local MEMBERS = {
    request = { set = true, add = true, remove = true, take = true, value = true },
    response = {
        set = true, add = true, remove = true, hide = true, expires = true, take = true,
        value = true, statuses = true, types = true,
    },
}
local EXPIRES = { epoch = true, max = true, seconds = true, modified = true }

local _M = {}


--- Whether a header belongs to the connection.
function _M.is_framing(name)
    return FRAMING[lower(name)] == true
end


--- A token of RFC 9110.
function _M.is_name(name)
    return type(name) == "string" and #name <= LONGEST_NAME and find(name, NAME) ~= nil
end


local function check_name(name, where)
    if not _M.is_name(name) then
        return where .. " must be the name of a header"
    end
    return FRAMING[lower(name)] and format("%s: %s belongs to the connection", where, name) or nil
end


local function check_list(list, where, is_valid)
    if list == nil then
        return nil
    end
    if not shape.is_array(list) or #list == 0 or #list > MOST_CONDITIONS then
        return format("%s must be a list of 1 to %d", where, MOST_CONDITIONS)
    end
    for _, item in ipairs(list) do
        if not is_valid(item) then
            return where .. " has an item that is none of its kind"
        end
    end
end


local function is_status(value)
    return shape.is_integer(value, 100, 999)
end


local function is_type(value)
    return shape.is_text(value, LONGEST_TYPE) and value == lower(value)
end


-- The member that says what a step does; nil unless there is exactly one.
local function kind_of(step, kinds)
    local found
    for name in pairs(kinds) do
        if step[name] ~= nil then
            if found then
                return nil
            end
            found = name
        end
    end
    return found
end


local function check_expires(value, where)
    local reason = shape.object(value, EXPIRES, where)
    if reason then
        return reason
    end
    local fixed = value.epoch == true or value.max == true
    return (fixed == (value.seconds ~= nil) or value.epoch ~= nil and value.max ~= nil)
            and where .. " must have one of epoch, max and seconds"
        or value.seconds ~= nil and not shape.is_integer(value.seconds, -MOST_SECONDS, MOST_SECONDS)
            and where .. ".seconds must be a whole number"
        or value.modified ~= nil and value.modified ~= true
            and where .. ".modified must be true or absent"
        or nil
end


local function check_subject(step, kind, where)
    where = where .. "." .. kind
    if kind == "expires" then
        return check_expires(step.expires, where)
    end
    return check_name(step[kind], where)
end


local function check_step(step, where, direction)
    local reason = shape.object(step, MEMBERS[direction], where)
    if reason then
        return reason
    end
    local kind = kind_of(step, STEPS[direction])
    if not kind then
        return where .. " must say one thing to do"
    end
    local valued = kind == "set" or kind == "add"
    return check_subject(step, kind, where)
        or valued ~= (step.value ~= nil) and where .. ".value belongs to set and add"
        or valued and template.refusal(step.value, where .. ".value")
        or check_list(step.statuses, where .. ".statuses", is_status)
        or check_list(step.types, where .. ".types", is_type)
        or nil
end


--- Why a list of steps is refused, or nil.
-- @param direction  "request" or "response"
function _M.refusal(steps, where, direction)
    if not shape.is_array(steps) or #steps == 0 or #steps > MOST then
        return format("%s must be a list of 1 to %d steps", where, MOST)
    end
    for i, step in ipairs(steps) do
        local reason = check_step(step, format("%s[%d]", where, i - 1), direction)
        if reason then
            return reason
        end
    end
end


--- The steps, as an array of arrays: one alone, or several that add to the same header, which do it
-- together, since each change of a header copies all that it has.
function _M.grouped(steps)
    local groups, last = {}, nil
    for _, step in ipairs(steps) do
        local name = step.add and lower(step.add)
        if name and last and last.adds_to == name then
            last[#last + 1] = step
        else
            last = { step, adds_to = name }
            groups[#groups + 1] = last
        end
    end
    return groups
end


--- The values of a header and more of them, as a list; nil when there are no more.
-- @param values  one, a list of them, or nil
-- @param texts   array of functions() -> text; an empty one adds nothing
function _M.extended(values, texts)
    values = type(values) == "table" and values or { values }
    local before = #values
    for i = 1, #texts do
        local text = texts[i]()
        values[#values + 1] = text ~= "" and text or nil
    end
    return #values > before and values or nil
end


--- The variable of nginx.conf with a header that settings say.
-- @param prefix  "send_" or "add_"
function _M.variable(prefix, name)
    return prefix .. lower(name):gsub("-", "_")
end


--- What `name*` stands for, in lower case; nil for the name of one header.
function _M.prefix_of(name)
    return name:sub(-1) == "*" and lower(name:sub(1, -2)) or nil
end


--- One function that does what these do, one after the other.
function _M.in_turn(steps)
    return function()
        for i = 1, #steps do
            steps[i]()
        end
    end
end


return _M
