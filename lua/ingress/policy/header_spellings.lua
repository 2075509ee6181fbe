-- Of a header that we set or take away, no other spelling gets to a backend: what reads headers as
-- variables (CGI, PHP, WSGI) takes `X_User` for `X-User`. NGINX drops names with "_" by itself,
-- unless `enable-underscores-in-headers` is on; what objects name may have one all the same.

local header_change = require "ingress.pure.header_change"
local shape = require "ingress.pure.shape"

local find = string.find
local gsub = string.gsub
local ipairs = ipairs
local lower = string.lower
local pairs = pairs
local sub = string.sub

local MOST_NAMES = 2000
local MEMBERS = { names = true }
-- Of a route that says itself what is to be looked at.
local OWN = { names = {} }

local _M = {}


function _M.validate(value)
    local reason = shape.object(value, MEMBERS, "header_spellings")
    if reason then
        return reason
    end
    if not shape.is_array(value.names) or #value.names > MOST_NAMES then
        return "header_spellings.names must be a list of at most " .. MOST_NAMES
    end
    for _, name in ipairs(value.names) do
        if not header_change.is_name(name) then
            return "header_spellings.names must be names of headers"
        end
    end
end


local function add_changed(names, changes)
    for _, change in ipairs(changes or {}) do
        names[#names + 1] = change.set or change.remove
    end
end


-- The headers that are not a client's to say on a route.
local function names_of(route)
    local names = {}
    local auth = route.policies.external_auth or {}
    add_changed(names, route.policies.request_headers)
    add_changed(names, auth.request_headers)
    for _, name in ipairs(auth.response_headers or {}) do
        names[#names + 1] = name
    end
    return names
end


function _M.default(route, setting)
    if setting.header_spellings then
        return setting.header_spellings
    end
    for _, name in ipairs(names_of(route)) do
        if find(name, "[^%w*-]") then
            return OWN
        end
    end
end


-- What all spellings of a name have in common.
local function form_of(name)
    return (gsub(lower(name), "[^%w]", "-"))
end


-- {spelled, forms, prefixes}: what is set or taken away as it is spelled, and what is the same.
local function compile_names(...)
    local known = { spelled = {}, forms = {}, prefixes = {} }
    for _, names in ipairs({ ... }) do
        for _, name in ipairs(names) do
            local prefix = header_change.prefix_of(name)
            if prefix then
                known.prefixes[#known.prefixes + 1] = { spelled = prefix, form = form_of(prefix) }
            else
                known.spelled[lower(name)] = true
                known.forms[form_of(name)] = true
            end
        end
    end
    return known
end


local function is_other_spelling(name, known)
    local spelled, form = lower(name), form_of(name)
    if known.spelled[spelled] then
        return false
    elseif known.forms[form] then
        return true
    end
    for _, prefix in ipairs(known.prefixes) do
        local length = #prefix.form
        if sub(form, 1, length) == prefix.form and sub(spelled, 1, length) ~= prefix.spelled then
            return true
        end
    end
    return false
end


function _M.compile(value, route)
    local known = compile_names(value.names, names_of(route))
    return function()
        -- In lower case: who sends one in a thousand ways makes it one to take away.
        for name in pairs(ngx.req.get_headers(0)) do
            if is_other_spelling(name, known) then
                ngx.req.clear_header(name)
            end
        end
    end
end


return _M
