-- A lock between workers that survives the death of its holder: it names a process, and one that is
-- gone holds nothing.

local process = require "ingress.process"

local state = ngx.shared.resty_ingress_state

local _M = {}


--- true; true, "abandoned" when the last holder died with its work half done; nil when it is held.
function _M.acquire(name)
    local pid = ngx.worker.pid()
    local key = "lock/" .. name
    if state:add(key, pid) then
        return true
    end
    local holder = state:get(key)
    if holder and process.is_alive(holder) then
        return nil
    end
    state:set(key, pid)
    return true, "abandoned"
end


function _M.release(name)
    state:delete("lock/" .. name)
end


function _M.is_held(name)
    local holder = state:get("lock/" .. name)
    return holder ~= nil and process.is_alive(holder)
end


return _M
