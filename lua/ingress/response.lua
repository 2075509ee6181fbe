-- What the route of a request changes in its answer. Kept by the address of the request, since an
-- error page empties `ngx.ctx`; every location that such a request can end in has a log phase, so
-- nothing is left behind under an address that NGINX uses again.

local faults = require "ingress.faults"
local request_key = require "ingress.request_key"

local _M = {}

-- Address of a request -> array of functions, to be called when the header of its answer is made.
local filters_of = {}
-- How many: an ordinary request whose end somebody waits for looks no further.
local expected = 0


--- The answer to the current request will be changed.
-- @param filters array of functions
function _M.expect(filters)
    filters_of[request_key()] = filters
    expected = expected + 1
end


--- The log phase.
function _M.forget()
    if expected == 0 then
        return
    end
    local key = request_key()
    if filters_of[key] then
        filters_of[key] = nil
        expected = expected - 1
    end
end


--- The phase of the header of an answer. The answer is given already: one that cannot be changed
-- goes out as it is.
_M.filter = faults.guarded_end(function()
    local filters = filters_of[request_key()]
    if filters then
        for i = 1, #filters do
            filters[i]()
        end
    end
end, function()
    return ngx.var.host and "host " .. ngx.var.host
end)


return _M
