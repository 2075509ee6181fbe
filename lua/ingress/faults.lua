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


--- The entry of a phase, with one argument at most.
function _M.guarded(entry)
    return function(argument)
        _M.subject = UNKNOWN
        local ok, err = pcall(entry, argument)
        if not ok then
            _M.report(err)
            return ngx.exit(500)
        end
    end
end


return _M
