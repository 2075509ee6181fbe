-- The client is sent elsewhere: to a URL, or to its own with parts of it replaced. The URL has
-- scheme and host, so that no path that a client chose can be taken for another host; or else it is
-- a path that the object names.

local client_url = require "ingress.pure.client_url"
local path_form = require "ingress.pure.path_form"
local shape = require "ingress.pure.shape"
local template = require "ingress.pure.template_record"

local find = string.find
local sub = string.sub

local CODES = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }
local SCHEMES = { http = true, https = true }
local MEMBERS = {
    code = true, location = true, scheme = true, host = true, port = true, path = true,
    prefix = true, relative = true,
}
local LONGEST_HOST = 253

local _M = {}


local function is_host(value)
    return type(value) == "string" and #value <= LONGEST_HOST
        and find(value, "^[a-z0-9.-]+$") ~= nil
end


local function check_parts(value)
    local scheme, host, port, prefix = value.scheme, value.host, value.port, value.prefix
    return scheme ~= nil and not SCHEMES[scheme] and "redirect.scheme must be http or https"
        or host ~= nil and not is_host(host) and "redirect.host must be a DNS name"
        or port ~= nil and not shape.is_integer(port, 1, 65535) and "redirect.port must be a port"
        or prefix ~= nil and not path_form.is_path(prefix) and "redirect.prefix must be a path"
        or nil
end


function _M.validate(value)
    return shape.object(value, MEMBERS, "redirect")
        or not CODES[value.code] and "redirect.code must be 301, 302, 303, 307 or 308"
        or check_parts(value)
        or value.relative ~= nil and value.relative ~= true
            and "redirect.relative must be true or absent"
        or value.location ~= nil and template.refusal(value.location, "redirect.location")
        or value.path ~= nil and template.refusal(value.path, "redirect.path")
        or nil
end


local function to_location(value, route, templates)
    local location = templates.compile_url(value.location, route)
    return function()
        local url = location()
        local is_path = sub(url, 1, 1) == "/"
        -- Two of them would be the begin of a host.
        local is_relative = value.relative and sub(url, 2, 2) ~= "/"
        return is_path and not is_relative and client_url.origin(ngx.var) .. url or url
    end
end


-- function() -> path and query
local function target_of(value, route, templates)
    if value.path then
        local path = templates.compile_path(value.path, route)
        return function()
            return path_form.absolute(path()) .. client_url.query(ngx.var)
        end
    elseif value.prefix then
        local replaced = path_form.prefix_replacer(value.prefix, route)
        return function()
            local path = templates.escape_path(replaced(templates.client_path()))
            return path .. client_url.query(ngx.var)
        end
    end
    return function()
        return client_url.target(ngx.var)
    end
end


local function to_own(value, route, templates)
    local target = target_of(value, route, templates)
    return function()
        return client_url.origin(ngx.var, value.scheme, value.host, value.port) .. target()
    end
end


--- @param templates ingress.template
function _M.compile(value, route, templates)
    local url = (value.location and to_location or to_own)(value, route, templates)
    return function()
        return ngx.redirect(url(), value.code)
    end
end


return _M
