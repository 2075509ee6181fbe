-- Which routes a service is asked about (policy/external_auth.lua), as others have to know: it
-- comes after all their steps.

local _M = {}


--- @param route  record
function _M.is_asked(route)
    local value = route.policies.external_auth
    return value ~= nil and not value.open
end


return _M
