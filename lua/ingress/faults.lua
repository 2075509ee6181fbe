-- Errors inside a request: that request answers 500, the log says which object it was about, at
-- most once a second a worker, so that one bad record cannot fill a disk.

local ngx_log = ngx.log
local ngx_now = ngx.now
local pcall = pcall

local INTERVAL = 1

local last_logged = 0
local suppressed = 0

local UNKNOWN = "request"

local _M = {
    -- The object that the request at hand is about, as far as it is known.
    subject = UNKNOWN,
}


function _M.report(err)
    local now = ngx_now()
    if now - last_logged < INTERVAL then
        suppressed = suppressed + 1
        return
    end
    ngx_log(ngx.ERR, _M.subject, ": ", err, suppressed > 0 and
        " (" .. suppressed .. " more errors were not logged)" or "")
    last_logged, suppressed = now, 0
end


local function fail(err)
    _M.report(err)
    return ngx.exit(500)
end


local GUARDED = [[
    local entry, fail, pcall = ...
    return function(argument)
        local ok, err = pcall(entry, argument)
        if not ok then
            return fail(err)
        end
    end
]]


--- The entry of a phase, with one argument at most. Each gets code of its own, not a closure of the
-- same code: LuaJIT compiles code for what it did first, and phases do different things.
function _M.guarded(entry)
    return loadstring(GUARDED, "=guarded")(entry, fail, pcall)
end


return _M
