-- The path that the backend sees. The result is cleaned as NGINX cleans the path of a client:
-- doubled slashes become one. A segment that would go up, of what a group matched, is refused, so
-- that no client gets out of where the author of the route sends requests.

local shape = require "ingress.pure.shape"
local template = require "ingress.pure.template"

local byte = string.byte
local find = string.find
local gsub = string.gsub
local sub = string.sub

local LONGEST_PREFIX = 4096
local LONGEST_REGEX = 512
local SLASH = byte("/")
local MEMBERS = {
    path = true, prefix = true, regex = true, substitution = true, forwarded_prefix = true,
}
local WAYS = { "path", "prefix", "regex" }

local _M = {}


local function check_way(value)
    local ways = 0
    for _, name in ipairs(WAYS) do
        ways = ways + (value[name] ~= nil and 1 or 0)
    end
    return ways ~= 1 and "rewrite must have one of path, prefix and regex"
        or (value.regex == nil) ~= (value.substitution == nil)
            and "rewrite.regex and rewrite.substitution need each other"
        or nil
end


local function check_regex(regex, deps)
    if regex == nil then
        return nil
    elseif not shape.is_text(regex, LONGEST_REGEX) then
        return "rewrite.regex must be text of at most " .. LONGEST_REGEX .. " bytes"
    end
    local ok, err = deps.compiles(regex)
    return not ok and "rewrite.regex is no regular expression: " .. err or nil
end


local function check_prefix(prefix)
    local valid = shape.is_text(prefix, LONGEST_PREFIX) and byte(prefix) == SLASH
    return prefix ~= nil and not valid and "rewrite.prefix must be a path" or nil
end


function _M.validate(value, deps)
    local reason = shape.object(value, MEMBERS, "rewrite") or check_way(value)
        or check_prefix(value.prefix) or check_regex(value.regex, deps)
    if reason then
        return reason
    end
    for _, name in ipairs({ "path", "substitution", "forwarded_prefix" }) do
        reason = value[name] ~= nil and template.refusal(value[name], "rewrite." .. name)
        if reason then
            return reason
        end
    end
end


-- nil: somebody would get out.
local function clean(path)
    if byte(path) ~= SLASH then
        path = "/" .. path
    end
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


-- As the Gateway API has it: what comes after the path of the route stays. Of another route than a
-- Prefix nothing does.
local function prefix_replacer(value, route, client_path)
    if route.pathType ~= "Prefix" then
        return function()
            return value.prefix
        end
    end
    local prefix, rest_from = cut_slash(value.prefix), #cut_slash(route.path) + 1
    return function()
        return prefix .. sub(client_path(), rest_from)
    end
end


local function substituter(value, templates)
    local function replacement(captures)
        return templates.fill(value.substitution, captures)
    end
    return function()
        local path, _, err = ngx.re.sub(templates.client_path(), value.regex, replacement, "jo")
        if not path then
            error("rewrite.regex: " .. err)
        end
        return path
    end
end


-- function() -> the new path, not cleaned
local function new_path(value, route, templates)
    if value.path then
        return templates.compile(value.path, route)
    elseif value.prefix then
        return prefix_replacer(value, route, templates.client_path)
    end
    return substituter(value, templates)
end


--- @param templates ingress.template
function _M.compile(value, route, templates)
    local rewritten = new_path(value, route, templates)
    local forwarded = value.forwarded_prefix
        and templates.compile_path(value.forwarded_prefix, route)
    return function()
        local from, path = templates.client_path(), clean(rewritten())
        if not path then
            return ngx.exit(400)
        end
        if forwarded then
            ngx.req.set_header("X-Forwarded-Prefix", forwarded())
        end
        -- What the router and keys of hashes go by; see the maps of nginx.conf.
        ngx.var.rewritten_from = from
        -- Decoded like `$uri`; NGINX escapes what needs it when it sends it on.
        ngx.req.set_uri(path, false, true)
    end
end


return _M
