-- Errors inside a request: that request answers 500, the log says which object it was about, at
-- most once a second a worker, so that one bad record cannot fill a disk.

local ngx_log = ngx.log
local ngx_now = ngx.now

local INTERVAL = 1

local last_logged = 0
local suppressed = 0

local _M = {}


function _M.report(subject, err)
    local now = ngx_now()
    if now - last_logged < INTERVAL then
        suppressed = suppressed + 1
        return
    end
    ngx_log(ngx.ERR, subject, ": ", err, suppressed > 0 and
        " (" .. suppressed .. " more errors were not logged)" or "")
    last_logged, suppressed = now, 0
end


return _M
