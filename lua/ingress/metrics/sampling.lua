-- Which requests of a series are measured. To read what NGINX measured is by far the largest part
-- of counting a request, so a busy series does it for one request of each group only, and that one
-- stands for the whole group.
--
-- The place in its group is drawn anew for each group: each request has the same chance, so that
-- the estimates have no bias, and traffic with a pattern of its own does not fall in with ours. A
-- group that the end of the second cuts short is the only thing that `weight` does not add up to:
-- less than one group a second, as often too much as too little.

local random = math.random

local _M = {
    -- So many requests of a series in a second, in each worker, are measured one by one.
    EXACT = 100,
    GROUP = 16,
}

local EXACT, GROUP = _M.EXACT, _M.GROUP


--- What is remembered of a series: for `weight`.
function _M.new()
    return { second = 0, seen = 0, chosen = 0 }
end


--- For how many requests of its series the current one is measured; 0: it is not.
-- @param state  of `new`
-- @param second any number that is another one in the next second
function _M.weight(state, second)
    local seen = 0
    if second == state.second then
        seen = state.seen
    else
        state.second = second
    end
    state.seen = seen + 1
    if seen < EXACT then
        return 1
    end
    local place = (seen - EXACT) % GROUP
    if place == 0 then
        state.chosen = random(0, GROUP - 1)
    end
    return place == state.chosen and GROUP or 0
end


--- The same when all are measured.
function _M.always()
    return 1
end


return _M
