-- What a route asks of a request beside host and path: methods, headers, query parameters. All of
-- it must hold. Of a header or parameter that comes more than once the first counts.

local shape = require "ingress.pure.shape"

local find = string.find
local format = string.format
local ipairs = ipairs

local MOST_METHODS = 20
local MOST_VALUES = 32
local LONGEST_NAME = 128
local LONGEST_TEXT = 1024

local MEMBERS = { methods = true, headers = true, query = true }
local VALUE_MEMBERS = { name = true, value = true, pattern = true }

local _M = {}


local function check_methods(methods, where)
    if methods == nil then
        return nil
    end
    if not shape.is_array(methods) or #methods == 0 or #methods > MOST_METHODS then
        return format("%s must be a list of 1 to %d methods", where, MOST_METHODS)
    end
    for _, method in ipairs(methods) do
        if type(method) ~= "string" or #method > 32 or not find(method, "^[A-Z][A-Z-]*$") then
            return where .. ": a method must be of A-Z and -"
        end
    end
end


local function is_name(name, form)
    return shape.is_text(name, LONGEST_NAME) and find(name, form) ~= nil
end


local function check_wanted(wanted, where, deps)
    local value, pattern = wanted.value, wanted.pattern
    if value ~= nil and pattern ~= nil then
        return where .. " must not have both a value and a pattern"
    end
    if value ~= nil then
        return not shape.is_text(value, LONGEST_TEXT)
            and format("%s.value must be text of at most %d bytes", where, LONGEST_TEXT) or nil
    elseif pattern ~= nil then
        if not shape.is_text(pattern, LONGEST_TEXT) then
            return format("%s.pattern must be text of at most %d bytes", where, LONGEST_TEXT)
        end
        local ok, err = deps.compiles(pattern)
        return not ok and format("%s.pattern is no regular expression: %s", where, err) or nil
    end
end


local function check_values(values, kind, deps)
    if values == nil then
        return nil
    end
    if not shape.is_array(values) or #values == 0 or #values > MOST_VALUES then
        return format("%s must be a list of 1 to %d entries", kind.where, MOST_VALUES)
    end
    for i, wanted in ipairs(values) do
        local where = format("%s[%d]", kind.where, i - 1)
        local reason = shape.object(wanted, VALUE_MEMBERS, where)
            or not is_name(wanted.name, kind.form) and where .. ".name must be " .. kind.name
            or check_wanted(wanted, where, deps)
        if reason then
            return reason
        end
    end
end


--- Why `match` of a route is refused, or nil.
-- @param deps `compiles(pattern)` -> true | nil, err
function _M.refusal(match, where, deps)
    if match == nil then
        return nil
    end
    return shape.object(match, MEMBERS, where)
        or next(match) == nil and where .. " must ask for something"
        or check_methods(match.methods, where .. ".methods")
        or check_values(match.headers, { where = where .. ".headers",
            form = "^[a-z0-9_-]+$", name = "the name of a header in lower case" }, deps)
        or check_values(match.query, { where = where .. ".query",
            form = "^.+$", name = "the name of a parameter" }, deps)
        or nil
end


local function add_checks(checks, values, read, with_pattern)
    for _, wanted in ipairs(values or {}) do
        if (wanted.pattern ~= nil) == with_pattern then
            checks[#checks + 1] = {
                read = read, name = wanted.name, value = wanted.value, pattern = wanted.pattern,
            }
        end
    end
end


--- What `holds` takes. What costs least is asked first, regular expressions last.
function _M.compile(match)
    local methods
    for _, method in ipairs(match.methods or {}) do
        methods = methods or {}
        methods[method] = true
    end
    local checks = { methods = methods }
    for _, with_pattern in ipairs({ false, true }) do
        add_checks(checks, match.headers, "header", with_pattern)
        add_checks(checks, match.query, "parameter", with_pattern)
    end
    return checks
end


local function value_holds(check, facts)
    local value = facts[check.read](facts, check.name)
    if not value then
        return false
    elseif check.value then
        return value == check.value
    elseif check.pattern then
        return facts.finds(value, check.pattern)
    end
    return true
end


--- @param facts of the request: `method()`, `header(name)` and `parameter(name)`, which give a text
-- or nil, called as methods; and the function `finds(text, pattern)` -> boolean, err
-- @return boolean, err: err when a pattern took too long
function _M.holds(checks, facts)
    local methods = checks.methods
    if methods and not methods[facts:method()] then
        return false
    end
    for i = 1, #checks do
        local holds, err = value_holds(checks[i], facts)
        if not holds then
            return false, err
        end
    end
    return true
end


return _M
