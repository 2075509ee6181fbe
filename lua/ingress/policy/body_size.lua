-- The declared size of the request's body. NGINX checks it against `client_max_body_size` when it
-- finds a location, not when a named one is entered: so a location class never checks it, only the
-- undeclared (chunked) bodies that it reads.

local shape = require "ingress.pure.shape"

local tonumber = tonumber

local MEMBERS = { max = true }
local TOO_LARGE = 413
local OWN_PAGE = "@error_413"

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "body_size")
        or not shape.is_integer(value.max, 0) and "body_size.max must be a whole number of bytes"
        or nil
end


--- `location /` checks by itself.
function _M.default(route, setting)
    return route.class and setting.body_size
end


local function check(value, page)
    if value.max == 0 then
        return
    end
    local length = tonumber(ngx.var.content_length)
    if length and length > value.max then
        ngx.status = TOO_LARGE
        return ngx.exec(page)
    end
end


-- Who answers, as NGINX chooses it for undeclared bodies.
local function page_of(route)
    local errors = route.class and route.policies.custom_errors
    for _, status in ipairs(errors and errors.statuses or {}) do
        if status == TOO_LARGE then
            return "@custom_errors"
        end
    end
    return OWN_PAGE
end


--- A request that goes to no class.
function _M.apply(value)
    return check(value, OWN_PAGE)
end


function _M.compile(value, route)
    local page = page_of(route)
    return function()
        return check(value, page)
    end
end


return _M
