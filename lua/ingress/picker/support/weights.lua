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


--- Index of the first endpoint from `from` on that is not excluded, rather one with a weight; nil
-- when all are excluded.
function _M.next_left(endpoints, from, excluded)
    local count, spare = #endpoints, nil
    for distance = 0, count - 1 do
        local index = (from + distance - 1) % count + 1
        if not (excluded and excluded[endpoints[index].id]) then
            if _M.of(endpoints[index]) > 0 then
                return index
            end
            spare = spare or index
        end
    end
    return spare
end


return _M
