-- What routes may ask of the current request (pure/route_match.lua), each read at its first use.
-- How many headers and parameters there are is bounded by the buffers for the head of a request.

local match_budget = require "ingress.match_budget"
local path_regex = require "ingress.path_regex"

local get_headers = ngx.req.get_headers
local get_method = ngx.req.get_method
local get_uri_args = ngx.req.get_uri_args
local rawget = rawget
local setmetatable = setmetatable
local type = type

local NO_LIMIT = 0

local _M = { finds = match_budget.limited(path_regex.finds), method = get_method }
_M.__index = _M


-- Several of one name come as a table, a parameter without value as `true`.
local function first(value)
    if type(value) == "table" then
        value = value[1]
    end
    return value == true and "" or value
end


function _M.new()
    return setmetatable({}, _M)
end


function _M:header(name)
    local headers = self.headers
    if not headers then
        headers = get_headers(NO_LIMIT)
        self.headers = headers
    end
    return first(rawget(headers, name))
end


--- Of the query, decoded.
function _M:parameter(name)
    local parameters = self.parameters
    if not parameters then
        parameters = get_uri_args(NO_LIMIT)
        self.parameters = parameters
    end
    return first(parameters[name])
end


return _M
