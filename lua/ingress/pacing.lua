-- Long work is done in pieces, so that the requests of the worker have their turn in between.

-- Seconds. NGINX without OpenResty's patches warns of a sleep of 0.
local PAUSE = 0.001

local _M = {}


--- Between two pieces: whatever waits for this worker is done first.
function _M.rest()
    ngx.sleep(PAUSE)
end


return _M
