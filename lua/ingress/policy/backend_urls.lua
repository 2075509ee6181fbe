-- Cookies and redirects of a backend name what it believes to be called; clients get what they
-- know.

local shape = require "ingress.pure.shape"
local url_change = require "ingress.pure.url_change"

local find = string.find
local sub = string.sub

local MEMBERS = { cookie_domain = true, cookie_path = true, redirect = true }
local PAIR = { from = true, to = true }
local LONGEST = 512
-- What would end an attribute of a cookie, or a header.
local SPECIAL = "[%c; ]"
local COOKIES = "Set-Cookie"

local _M = {}


local function is_text(value)
    return shape.is_text(value, LONGEST) and value ~= "" and not find(value, SPECIAL)
end


function _M.validate(value)
    local reason = shape.object(value, MEMBERS, "backend_urls")
    for name, pair in pairs(reason and {} or value) do
        local where = "backend_urls." .. name
        reason = reason or shape.object(pair, PAIR, where)
            or not (is_text(pair.from) and is_text(pair.to)) and where .. " must be two texts"
            or nil
    end
    return reason
end


-- Ours, not the backend's, which knows it by no name.
local function affinity_prefix(route)
    local affinity = route.policies and route.policies.affinity
    return affinity and affinity.name .. "="
end


local function changed_cookie(cookie, value)
    if value.cookie_domain then
        cookie = url_change.cookie(cookie, "domain", url_change.domain, value.cookie_domain)
    end
    if value.cookie_path then
        cookie = url_change.cookie(cookie, "path", url_change.prefix, value.cookie_path)
    end
    return cookie
end


local function change_cookies(value, own)
    local cookies = ngx.header[COOKIES]
    if not cookies then
        return
    end
    cookies = type(cookies) == "table" and cookies or { cookies }
    for i, cookie in ipairs(cookies) do
        if not own or sub(cookie, 1, #own) ~= own then
            cookies[i] = changed_cookie(cookie, value)
        end
    end
    ngx.header[COOKIES] = cookies
end


local function change_header(name, change, pair)
    local text = ngx.header[name]
    local changed = type(text) == "string" and change(text, pair)
    if changed then
        ngx.header[name] = changed
    end
end


--- Acts on answers of backends alone.
-- @return function() for the phase of the header of an answer
function _M.compile_filter(value, route)
    local has_cookies = value.cookie_domain or value.cookie_path
    local own = affinity_prefix(route)
    return function()
        if not ngx.var.upstream_status then
            return
        end
        if has_cookies then
            change_cookies(value, own)
        end
        if value.redirect then
            change_header("Location", url_change.prefix, value.redirect)
            change_header("Refresh", url_change.refresh, value.redirect)
        end
    end
end


return _M
