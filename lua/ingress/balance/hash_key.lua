-- What a hash goes by, from the template of a route (pure/template.lua). A variable that has no
-- value is an empty text.

local path_regex = require "ingress.path_regex"

local concat = table.concat
local ngx_var = ngx.var

local _M = {}


local function variable(name)
    return function()
        return ngx_var[name] or ""
    end
end


local function value_of(part, captures)
    if part.text then
        return part.text
    elseif part.var then
        return ngx_var[part.var] or ""
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


--- @param route record: {path, pathType}
-- @return function() -> the key of the current request
function _M.compile(template, route)
    if template[1].var and not template[2] then
        return variable(template[1].var)
    end
    local pattern = route.pathType == "Regex" and has_captures(template) and route.path
    return function()
        local captures = pattern and path_regex.captures(ngx_var.uri, pattern)
        local values = {}
        for i = 1, #template do
            values[i] = value_of(template[i], captures)
        end
        return concat(values)
    end
end


return _M
