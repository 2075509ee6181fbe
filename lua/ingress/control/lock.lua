-- A lock between workers that survives the death of its holder: it names a process, and one that is
-- gone holds nothing.

local monotonic_time = require("resty.core.time").monotonic_time
local process = require "ingress.process"

-- Seconds.
local HEIR = 1
local PATIENCE = 5
local INTERVAL = 0.001

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
    -- Of several that find it abandoned one takes it over. The mark is named after the dead: it
    -- stays for longer when the time of day is put back, and must not be in the way of a next heir.
    if not holder or process.is_alive(holder)
        or not state:add(key .. "/heir/" .. holder, pid, HEIR) then
        return nil
    end
    state:set(key, pid)
    return true, "abandoned"
end


--- The same, but waits for a holder.
function _M.await(name)
    local held, abandoned = _M.acquire(name)
    local deadline = monotonic_time() + PATIENCE
    while not held and monotonic_time() < deadline do
        ngx.sleep(INTERVAL)
        held, abandoned = _M.acquire(name)
    end
    return held, abandoned
end


--- By its holder.
function _M.release(name)
    state:delete("lock/" .. name)
end


--- Whether a process that lives holds it.
function _M.is_held(name)
    local holder = state:get("lock/" .. name)
    return holder ~= nil and process.is_alive(holder)
end


return _M
