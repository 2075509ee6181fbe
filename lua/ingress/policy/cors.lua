-- Cross-origin requests of browsers: preflights are answered here, and answers say which pages may
-- read them. As in ingress-nginx, what a backend says of it is replaced for origins that may, and
-- stays as it is for others.

local shape = require "ingress.pure.shape"

local find = string.find
local sub = string.sub

local ANY = "*"
local NO_CONTENT = 204
local MOST_ORIGINS = 100
local LONGEST_ORIGIN = 300
local LONGEST_LIST = 16384
local LONGEST_AGE = 31536000
local ORIGIN = "^%l[%l%d+.-]*://[%l%d.*:%[%]-]+$"
local TOKENS = "^[%w!#$%%&'*+.^_`|~, -]+$"
local MEMBERS = {
    origins = true, methods = true, headers = true, expose = true, credentials = true,
    max_age = true,
}

local _M = {}


local function is_origin(value)
    return type(value) == "string" and #value <= LONGEST_ORIGIN
        and (value == ANY or value == "null" or find(value, ORIGIN) ~= nil)
end


local function are_origins(list)
    if not shape.is_array(list) or #list == 0 or #list > MOST_ORIGINS then
        return false
    end
    for _, origin in ipairs(list) do
        if not is_origin(origin) then
            return false
        end
    end
    return true
end


local function is_list(value)
    return type(value) == "string" and #value <= LONGEST_LIST and find(value, TOKENS) ~= nil
end


function _M.validate(value)
    return shape.object(value, MEMBERS, "cors")
        or not are_origins(value.origins) and "cors.origins must be a list of origins"
        or not is_list(value.methods) and "cors.methods must be a list of methods"
        or not is_list(value.headers) and "cors.headers must be a list of headers"
        or value.expose ~= nil and not is_list(value.expose)
            and "cors.expose must be a list of headers"
        or value.credentials ~= nil and value.credentials ~= true
            and "cors.credentials must be true or absent"
        or not shape.is_integer(value.max_age, 0, LONGEST_AGE)
            and "cors.max_age must be a whole number of seconds"
        or nil
end


-- `scheme://*.rest` as {before, after}: what is between them is one label.
local function wildcard(origin)
    local from, to = find(origin, "://*", 1, true)
    return from and { before = sub(origin, 1, to - 1), after = sub(origin, to + 1) }
end


local function is_label_between(origin, pattern)
    local before, after = #pattern.before, #pattern.after
    return #origin > before + after and sub(origin, 1, before) == pattern.before
        and sub(origin, -after) == pattern.after
        and find(sub(origin, before + 1, -after - 1), "^[%w-]+$") ~= nil
end


-- function(Origin header or nil) -> what an answer to it says of it, nil for nothing
local function allower(origins)
    if origins[1] == ANY then
        return function()
            return ANY
        end
    end
    local exact, wildcards = {}, {}
    for _, origin in ipairs(origins) do
        exact[origin] = true
        wildcards[#wildcards + 1] = wildcard(origin)
    end
    return function(origin)
        if not origin or exact[origin] then
            return origin
        end
        for _, pattern in ipairs(wildcards) do
            if is_label_between(origin, pattern) then
                return origin
            end
        end
    end
end


--- A preflight, or any other OPTIONS of such an origin, never gets to a backend (ingress-nginx).
function _M.compile(value)
    local allowed = allower(value.origins)
    return function()
        if ngx.req.get_method() == "OPTIONS" and allowed(ngx.var.http_origin) then
            return ngx.exit(NO_CONTENT)
        end
    end
end


-- Caches keep an answer for one origin from others.
local function vary_by_origin(header)
    local vary = header["Vary"]
    if type(vary) == "table" then
        vary = table.concat(vary, ", ")
    end
    if not vary then
        header["Vary"] = "Origin"
    elseif not find("," .. vary:lower():gsub("%s", "") .. ",", ",origin,", 1, true) then
        header["Vary"] = vary .. ", Origin"
    end
end


--- Of every answer, error pages too.
function _M.compile_filter(value)
    local allowed, depends = allower(value.origins), value.origins[1] ~= ANY
    return function()
        local header = ngx.header
        if depends then
            vary_by_origin(header)
        end
        local origin = allowed(ngx.var.http_origin)
        if not origin then
            return
        end
        header["Access-Control-Allow-Origin"] = origin
        header["Access-Control-Allow-Credentials"] = value.credentials and "true" or nil
        header["Access-Control-Allow-Methods"] = value.methods
        header["Access-Control-Allow-Headers"] = value.headers
        if value.expose then
            header["Access-Control-Expose-Headers"] = value.expose
        end
        header["Access-Control-Max-Age"] = value.max_age
    end
end


return _M
