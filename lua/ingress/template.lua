-- Texts made for the current request, from the templates of its route (pure/template_record.lua). A
-- variable that has no value is an empty text. Paths are those that the client asked for, also
-- after a rewrite.

local path_regex = require "ingress.path_regex"

local concat = table.concat
local find = string.find
local format = string.format
local gsub = string.gsub
local ngx_var = ngx.var

-- A client that sends a long header must not have it multiplied.
local LONGEST_HEADER = 8192
local CONTROL = "[%z\1-\31\127]"
-- What RFC 3986 has escaped in a path.
local NOT_IN_PATH = "[^%w/._~!$&'()*+,;=:@-]"
local NOT_IN_URL = "[^%w%%._~:/?#%[%]@!$&'()*+,;=-]"
-- What `$uri` is before a rewrite; see the maps of nginx.conf.
local CLIENT_URI = "client_uri"
-- NGINX has some of its names in configurations only.
local NAMES = {
    uri = CLIENT_URI, document_uri = CLIENT_URI, proxy_add_x_forwarded_for = "forwarded_to_here",
}

-- Those that NGINX does not have.
local COMPUTED = {
    escaped_request_uri = function()
        return ngx.escape_uri(ngx_var.request_uri)
    end,
}

local _M = {}


local function value_of_variable(name)
    local computed = COMPUTED[name]
    return computed and computed() or ngx_var[NAMES[name] or name] or ""
end


local function variable(name)
    if COMPUTED[name] then
        return COMPUTED[name]
    end
    name = NAMES[name] or name
    return function()
        return ngx_var[name] or ""
    end
end


local function constant(text)
    return function()
        return text
    end
end


local function value_of(part, captures)
    if part.text then
        return part.text
    elseif part.var then
        return value_of_variable(part.var)
    end
    return captures and captures[part.capture] or ""
end


local function has_captures(template)
    for _, part in ipairs(template) do
        if part.capture then
            return true
        end
    end
    return false
end


--- The path that the client asked for: decoded, without `.`, `..` and doubled slashes.
function _M.client_path()
    return ngx_var[CLIENT_URI]
end


--- @param captures what groups matched, or nil
function _M.fill(template, captures)
    local values = {}
    for i = 1, #template do
        values[i] = value_of(template[i], captures)
    end
    return concat(values)
end


--- @param route record: {path, pathType}
-- @return function() -> the text for the current request
function _M.compile(template, route)
    local first = template[1]
    if not template[2] and not first.capture then
        return first.var and variable(first.var) or constant(first.text)
    end
    local pattern = route.pathType == "Regex" and has_captures(template) and route.path
    return function()
        local captures = pattern and path_regex.captures(ngx_var[CLIENT_URI], pattern)
        return _M.fill(template, captures)
    end
end


local function percent_encoded(character)
    return format("%%%02X", character:byte())
end


--- A decoded path as it stands in a URL.
function _M.escape_path(path)
    return (gsub(path, NOT_IN_PATH, percent_encoded))
end


--- As `compile`, for a path in a URL or a header: what clients choose cannot end it.
function _M.compile_path(template, route)
    local text_of = _M.compile(template, route)
    return function()
        return _M.escape_path(text_of())
    end
end


--- As `compile`, for a URL, of which parts may be escaped already.
function _M.compile_url(template, route)
    local text_of = _M.compile(template, route)
    return function()
        return (gsub(text_of(), NOT_IN_URL, percent_encoded))
    end
end


--- As `compile`, for the value of a header: what clients choose (a decoded path, the name of a
-- user) may hold line breaks, which would end the header.
function _M.compile_header(template, route)
    local text_of = _M.compile(template, route)
    return function()
        local text = text_of()
        if find(text, CONTROL) then
            text = gsub(text, CONTROL, percent_encoded)
        end
        return #text <= LONGEST_HEADER and text or text:sub(1, LONGEST_HEADER)
    end
end


return _M
