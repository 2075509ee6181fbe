-- Paths that replace others.

local shape = require "ingress.pure.shape"

local byte = string.byte
local find = string.find
local gsub = string.gsub
local sub = string.sub

local LONGEST = 4096
local SLASH = byte("/")

local _M = {}


function _M.is_path(value)
    return shape.is_text(value, LONGEST) and byte(value) == SLASH
end


--- With a slash before it.
function _M.absolute(path)
    return byte(path) == SLASH and path or "/" .. path
end


--- As NGINX cleans the path of a client: doubled slashes become one. nil: a segment would go up,
-- and out of where the author of a route sends requests.
function _M.clean(path)
    path = _M.absolute(path)
    if find(path, "//", 1, true) then
        path = gsub(path, "//+", "/")
    end
    if find(path, "/.", 1, true) and find(path .. "/", "/%.%.?/") then
        return nil
    end
    return path
end


local function cut_slash(path)
    return (gsub(path, "/$", ""))
end


--- As the Gateway API has it: what comes after the path of the route stays. Of another route than a
-- Prefix nothing does.
-- @return function(path) -> path
function _M.prefix_replacer(prefix, route)
    if route.pathType ~= "Prefix" then
        return function()
            return prefix
        end
    end
    local begin, rest_from = cut_slash(prefix), #cut_slash(route.path) + 1
    return function(path)
        return _M.absolute(begin .. sub(path, rest_from))
    end
end


return _M
