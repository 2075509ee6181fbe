-- What the regular expressions of one host may cost a request. The limit of matching bounds each of
-- them to some milliseconds; there may be hundreds, and a worker serves nobody else meanwhile.

local now = require("ingress.clock").cpu_nanoseconds

-- Of the processor: what a worker waits for while others run is not its own.
local MOST_NANOSECONDS = 10e6
local SPENT = "the regular expressions of the host took too long together"

local _M = {}

-- Of the current request, which is routed in one go.
local tries, started = 0, 0


-- The first one costs no look at the clock: most hosts have no second.
local function is_spent()
    tries = tries + 1
    if tries == 2 then
        started = now()
    end
    return tries > 2 and now() - started > MOST_NANOSECONDS
end


--- Another request is about to be routed.
function _M.begin()
    tries = 0
end


--- A function like `find(text, pattern)` -> boolean, err, which fails when a request has used up
-- what it may.
function _M.limited(find)
    return function(text, pattern)
        if is_spent() then
            return false, SPENT
        end
        return find(text, pattern)
    end
end


return _M
