-- What the route of a request changes in its answer. Kept by the address of the request, since an
-- error page empties `ngx.ctx`; every location that such a request can end in has a log phase, so
-- nothing is left behind under an address that NGINX uses again.

local completion = require "ingress.balance.completion"
local faults = require "ingress.faults"
local request_key = require "ingress.request_key"

local match = string.match

local _M = {}

-- Address of a request -> its route: `filters` are an array of functions, to be called when the
-- header of its answer is made.
local routes = {}
-- How many: an ordinary request whose end somebody waits for looks no further.
local expected = 0


--- The answer to the current request will be changed.
function _M.expect(route)
    local key = request_key()
    if not routes[key] then
        expected = expected + 1
    end
    routes[key] = route
end


--- The route that `expect` was told of; nil for other requests.
function _M.route()
    return routes[request_key()]
end


-- Where some errors have pages of a default backend, NGINX makes those of the others: it could not
-- have pages of ours without taking answers of the backend for its own errors.
local function is_made_by_nginx()
    return ngx.status >= 400 and ngx.header["Content-Type"] == "text/html"
        and not completion.has_answered()
end


--- The log phase.
function _M.forget()
    if expected == 0 then
        return
    end
    local key = request_key()
    if routes[key] then
        routes[key] = nil
        expected = expected - 1
    end
end


--- The phase of the header of an answer. The answer is given already: one that cannot be changed
-- goes out as it is.
_M.filter = faults.guarded_end(function()
    local route = routes[request_key()]
    if route and route.custom_errors and is_made_by_nginx() then
        ngx.header["Content-Type"], ngx.header["Content-Length"] = "text/plain", nil
    end
    local filters = route and route.filters
    if filters then
        for i = 1, #filters do
            filters[i]()
        end
    end
end, function()
    return ngx.var.host and "host " .. ngx.var.host
end)


--- The phase of the body of an answer, where some errors have pages of a default backend: a page
-- that NGINX makes becomes the line that all others are.
_M.filter_body = faults.guarded_end(function()
    local line = ngx.status >= 400 and not completion.has_answered()
        and match(ngx.arg[1], "^<html>\r\n<head><title>(%d%d%d [^<]*)</title></head>")
    if line then
        ngx.arg[1], ngx.arg[2] = line .. "\n", true
    end
end, function()
    return ngx.var.host and "host " .. ngx.var.host
end)


return _M
