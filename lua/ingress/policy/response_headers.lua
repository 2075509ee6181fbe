-- Headers of an answer on its way to the client, whoever made it: a backend, an error page, another
-- policy.

local header_change = require "ingress.pure.header_change"

-- Those of `expires` in NGINX.
local EXPIRING = { 200, 201, 204, 206, 301, 302, 303, 304, 307, 308 }
local EPOCH = "Thu, 01 Jan 1970 00:00:01 GMT"
local MAX = "Thu, 31 Dec 2037 23:55:55 GMT"
local MAX_AGE = "max-age=315360000"

local _M = {}


function _M.validate(value)
    return header_change.refusal(value, "response_headers", "response")
end


local function set_of(list)
    local set = {}
    for _, item in ipairs(list) do
        set[item] = true
    end
    return set
end


local function media_type()
    local text = ngx.header["Content-Type"]
    return type(text) == "string" and text:match("^[^;%s]*"):lower() or ""
end


-- function() -> whether an answer is one that the change is meant for; nil: every answer is
local function condition_of(change)
    local statuses = change.statuses and set_of(change.statuses)
    local types = change.types and set_of(change.types)
    if not statuses and not types then
        return nil
    end
    return function()
        return (not statuses or statuses[ngx.status]) and (not types or types[media_type()])
    end
end


local function conditional(change, step)
    local holds = condition_of(change)
    return holds and function()
        if holds() then
            step()
        end
    end or step
end


local function remove_all(prefix)
    for name in pairs(ngx.resp.get_headers(0, true)) do
        if name:lower():sub(1, #prefix) == prefix and not header_change.is_framing(name) then
            ngx.header[name] = nil
        end
    end
end


local function remover(name)
    local prefix = header_change.prefix_of(name)
    return function()
        if prefix then
            remove_all(prefix)
        else
            ngx.header[name] = nil
        end
    end
end


-- NGINX adds this header after Lua, of a variable: ours over TLS, else that of the backend.
local HSTS = "strict-transport-security"
local HSTS_VARIABLE = "strict_transport_security"


local function hide_hsts()
    if ngx.var.pass_access_scheme ~= "https" then
        ngx.var[HSTS_VARIABLE] = ""
    end
end


-- An answer of ours keeps what a backend must not say.
local function hider(name)
    local is_hsts = name:lower() == HSTS
    return function()
        if ngx.var.upstream_status then
            ngx.header[name] = nil
            if is_hsts then
                hide_hsts()
            end
        end
    end
end


local function changes_hsts(change)
    local name = (change.set or change.add or change.remove or ""):lower()
    local prefix = header_change.prefix_of(name)
    return name == HSTS or prefix ~= nil and HSTS:sub(1, #prefix) == prefix
end


-- So that a route can change it like every other.
local function take_hsts()
    local text = ngx.var[HSTS_VARIABLE]
    if text and text ~= "" then
        ngx.header[HSTS] = text
        ngx.var[HSTS_VARIABLE] = ""
    end
end


-- So that it is changed with the others; nothing without the configuration that says it.
local function taker(name)
    local variable = header_change.variable("add_", name)
    return function()
        local text = ngx.var[variable]
        if text and text ~= "" then
            ngx.header[name] = text
            ngx.var[variable] = ""
        end
    end
end


local function setter(name, text_of)
    return function()
        local text = text_of()
        ngx.header[name] = text ~= "" and text or nil
    end
end


local function addition(change, route, templates)
    local text_of, holds = templates.compile_header(change.value, route), condition_of(change)
    return function()
        return (not holds or holds()) and text_of() or ""
    end
end


local function adder(name, texts)
    return function()
        local values = header_change.extended(ngx.header[name], texts)
        if values then
            ngx.header[name] = values
        end
    end
end


-- As `expires` of NGINX: from now on, or from the time of the last change.
local function expire_in(header, expires)
    local now = ngx.time()
    local modified = header["Last-Modified"]
    local from = now
    if expires.modified then
        from = modified and ngx.parse_http_time(modified)
        if not from then
            return
        end
    end
    local seconds = from + expires.seconds - now
    header["Expires"] = ngx.http_time(from + expires.seconds)
    header["Cache-Control"] = seconds < 0 and "no-cache" or "max-age=" .. seconds
end


local function expirer(expires)
    return function()
        local header = ngx.header
        if expires.epoch then
            header["Expires"], header["Cache-Control"] = EPOCH, "no-cache"
        elseif expires.max then
            header["Expires"], header["Cache-Control"] = MAX, MAX_AGE
        else
            expire_in(header, expires)
        end
    end
end


local function adding_step(group, route, templates)
    local texts = {}
    for i, change in ipairs(group) do
        texts[i] = addition(change, route, templates)
    end
    return adder(group[1].add, texts)
end


local function step_of(group, route, templates)
    local change = group[1]
    if change.expires then
        return conditional({ statuses = EXPIRING }, expirer(change.expires))
    elseif change.take then
        return taker(change.take)
    elseif change.hide then
        return hider(change.hide)
    elseif change.remove then
        return conditional(change, remover(change.remove))
    elseif change.add then
        return adding_step(group, route, templates)
    end
    local text_of = templates.compile_header(change.value, route)
    return conditional(change, setter(change.set, text_of))
end


--- @param templates ingress.template
-- @return function() for the phase of the header of an answer
function _M.compile_filter(value, route, templates)
    local steps = {}
    for _, change in ipairs(value) do
        if changes_hsts(change) then
            steps[1] = take_hsts
        end
    end
    for _, group in ipairs(header_change.grouped(value)) do
        steps[#steps + 1] = step_of(group, route, templates)
    end
    return header_change.in_turn(steps)
end


return _M
