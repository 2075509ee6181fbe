-- Each request is let in only if a service of the author says so (external_auth.lua).

local destination = require "ingress.pure.destination_record"
local header_change = require "ingress.pure.header_change"
local shape = require "ingress.pure.shape"
local template = require "ingress.pure.template_record"

local find = string.find
local format = string.format

local MEMBERS = {
    backend = true, tls = true, name = true, host = true, target = true, method = true,
    signin = true, signin_param = true, response_headers = true, request_headers = true,
    redirect = true, cache = true, always_set_cookie = true, connections = true,
}
local OPEN = { open = true, response_headers = true }
local CACHE = { scope = true, key = true, seconds = true }
local METHODS = {
    GET = true, HEAD = true, POST = true, PUT = true, PATCH = true, DELETE = true, CONNECT = true,
    OPTIONS = true, TRACE = true,
}
local MOST_HEADERS = 64
local LONGEST_PARAM = 64
local LONGEST_SCOPE = 64
local MOST_SECONDS = 86400

local _M = {}


local function check_names(names)
    if names == nil then
        return nil
    end
    if not shape.is_array(names) or #names == 0 or #names > MOST_HEADERS then
        return format("external_auth.response_headers must be a list of 1 to %d", MOST_HEADERS)
    end
    for _, name in ipairs(names) do
        if not header_change.is_name(name) or header_change.is_framing(name) then
            return "external_auth.response_headers must be names of headers"
        end
    end
end


local function check_cache(cache)
    if cache == nil then
        return nil
    end
    local reason = shape.object(cache, CACHE, "external_auth.cache")
        or not shape.is_text(cache.scope, LONGEST_SCOPE)
            and "external_auth.cache.scope must be text"
        or template.refusal(cache.key, "external_auth.cache.key")
        or not shape.is_object(cache.seconds) and "external_auth.cache.seconds must be an object"
    if reason then
        return reason
    end
    for status, seconds in pairs(cache.seconds) do
        if not find(status, "^[1-5]%d%d$") or not shape.is_integer(seconds, 1, MOST_SECONDS) then
            return "external_auth.cache.seconds must have seconds by status"
        end
    end
end


local function check_login(value)
    local param = value.signin_param
    return value.signin ~= nil and template.refusal(value.signin, "external_auth.signin")
        or param ~= nil and not (shape.is_text(param, LONGEST_PARAM) and find(param, "^[%w_.-]+$"))
            and "external_auth.signin_param must be the name of a parameter"
        or value.redirect ~= nil and template.refusal(value.redirect, "external_auth.redirect")
        or value.always_set_cookie ~= nil and value.always_set_cookie ~= true
            and "external_auth.always_set_cookie must be true or absent"
        or nil
end


-- Part of a URL: it leads to nothing else.
local function is_pool(name)
    return type(name) == "string" and find(name, "^auth_%x+$") ~= nil
end


function _M.validate(value)
    if type(value) == "table" and value.open == true then
        return shape.object(value, OPEN, "external_auth") or check_names(value.response_headers)
    end
    return shape.object(value, MEMBERS, "external_auth")
        or destination.refusal(value, "external_auth")
        or value.method ~= nil and not METHODS[value.method]
            and "external_auth.method must be a method"
        or check_names(value.response_headers)
        or value.request_headers ~= nil and header_change.refusal(value.request_headers,
            "external_auth.request_headers", "request")
        or check_login(value)
        or check_cache(value.cache)
        or value.connections ~= nil and not is_pool(value.connections)
            and "external_auth.connections must be the name of an upstream for questions"
        or nil
end


--- @param templates ingress.template
function _M.compile(value, route, templates)
    -- Policies are loaded without NGINX, too.
    return require("ingress.external_auth").compile(value, route, templates)
end


--- Adds the cookies of the service to the answer.
function _M.compile_filter(value)
    return require("ingress.external_auth").compile_filter(value)
end


return _M
