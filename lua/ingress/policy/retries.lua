-- How many peers a request may try, and for how many seconds a next one may be chosen; acted on by
-- the balancer. After which failures is `proxy_next_upstream` of nginx.conf.

local shape = require "ingress.pure.shape"

local MEMBERS = { tries = true, timeout = true }

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "retries")
        or value.tries ~= nil and not shape.is_integer(value.tries, 0, 1000)
            and "retries.tries must be a whole number"
        or value.timeout ~= nil and not shape.is_integer(value.timeout, 0, 86400)
            and "retries.timeout must be a whole number of seconds"
        or nil
end


return _M
