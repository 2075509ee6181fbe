-- Weights of endpoints: any numbers that are not negative, 1 when absent. An endpoint of weight 0
-- is used only when no other is left.

local _M = {}


function _M.of(endpoint)
    return endpoint.weight or 1
end


--- Whether weights make no difference, as nearly always.
function _M.are_equal(endpoints)
    local first = endpoints[1] and endpoints[1].weight or 1
    for i = 2, #endpoints do
        if (endpoints[i].weight or 1) ~= first then
            return false
        end
    end
    return true
end


return _M
