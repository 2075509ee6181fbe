-- The path and the Host that the backend sees.

local path_form = require "ingress.pure.path_form"
local shape = require "ingress.pure.shape"
local template = require "ingress.pure.template_record"

local LONGEST_REGEX = 512
local MEMBERS = {
    path = true, prefix = true, regex = true, substitution = true, forwarded_prefix = true,
    host = true,
}
local WAYS = { "path", "prefix", "regex" }
local TEMPLATES = { "path", "substitution", "forwarded_prefix", "host" }

local _M = {}


local function check_way(value)
    local ways = 0
    for _, name in ipairs(WAYS) do
        ways = ways + (value[name] ~= nil and 1 or 0)
    end
    return ways > 1 and "rewrite may have only one of path, prefix and regex"
        or ways == 0 and value.host == nil and "rewrite must have a path or a host"
        or (value.regex == nil) ~= (value.substitution == nil)
            and "rewrite.regex and rewrite.substitution need each other"
        or value.prefix ~= nil and not path_form.is_path(value.prefix)
            and "rewrite.prefix must be a path"
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


function _M.validate(value, deps)
    local reason = shape.object(value, MEMBERS, "rewrite") or check_way(value)
        or check_regex(value.regex, deps)
    if reason then
        return reason
    end
    for _, name in ipairs(TEMPLATES) do
        reason = value[name] ~= nil and template.refusal(value[name], "rewrite." .. name)
        if reason then
            return reason
        end
    end
end


local function substituter(value, templates)
    local function replacement(captures)
        return templates.fill(value.substitution, captures)
    end
    return function(client_path)
        local path, _, err = ngx.re.sub(client_path, value.regex, replacement, "jo")
        if not path then
            error("rewrite.regex: " .. err)
        end
        return path
    end
end


-- function(client path) -> the new path, not cleaned
local function new_path(value, route, templates)
    if value.path then
        return templates.compile(value.path, route)
    elseif value.prefix then
        return path_form.prefix_replacer(value.prefix, route)
    end
    return value.regex and substituter(value, templates)
end


local function rewriter(value, route, templates)
    local rewritten = new_path(value, route, templates)
    return rewritten and function()
        local from = templates.client_path()
        local path = path_form.clean(rewritten(from))
        if not path then
            return ngx.exit(400)
        end
        -- What the router and keys of hashes go by; see the maps of nginx.conf.
        ngx.var.rewritten_from = from
        -- Decoded like `$uri`; NGINX escapes what needs it when it sends it on.
        ngx.req.set_uri(path, false, true)
    end
end


--- @param templates ingress.template
function _M.compile(value, route, templates)
    local rewrite_path = rewriter(value, route, templates)
    local host = value.host and templates.compile_header(value.host, route)
    local forwarded = value.forwarded_prefix
        and templates.compile_path(value.forwarded_prefix, route)
    return function()
        if forwarded then
            ngx.req.set_header("X-Forwarded-Prefix", forwarded())
        end
        if host then
            ngx.var.upstream_host = host()
        end
        if rewrite_path then
            return rewrite_path()
        end
    end
end


return _M
