-- Errors inside a request: that request answers 500, it is counted, and the log says which object
-- it was about, at most once a second a worker, so that one bad record cannot fill a disk.

local counters = require "ingress.counters"

local monotonic_time = require("resty.core.time").monotonic_time
local ngx_log = ngx.log
local pcall = pcall

local INTERVAL = 1

local last_logged = 0
local suppressed = 0

local UNKNOWN = "request"

local _M = {
    -- The object that the request at hand is about, as far as it is known; it holds until another
    -- request gets its turn.
    subject = nil,
}


--- Trouble of which the log says as little.
-- @param subject  what it was about; absent: _M.subject
function _M.log(err, subject)
    local now = monotonic_time()
    if now - last_logged < INTERVAL then
        suppressed = suppressed + 1
        return
    end
    ngx_log(ngx.ERR, subject or _M.subject or UNKNOWN, ": ", err, suppressed > 0 and
        " (" .. suppressed .. " more errors were not logged)" or "")
    last_logged, suppressed = now, 0
end


--- @param subject  as for `log`
function _M.report(err, subject)
    counters.add("lua_errors")
    return _M.log(err, subject)
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


-- Each gets code of its own, not a closure of the same code: LuaJIT compiles code for what it did
-- first, and phases do different things.
local function guard(entry, fail)
    return loadstring(GUARDED, "=guarded")(entry, fail, pcall)
end


--- The entry of a phase, with one argument at most; an error is the answer 500.
-- @param describe  function that tells what the request is about; absent: _M.subject
function _M.guarded(entry, describe)
    return guard(entry, function(err)
        _M.report(err, describe and describe())
        return ngx.exit(500)
    end)
end


--- The entry of a phase in which the answer is given already.
function _M.guarded_end(entry, describe)
    return guard(entry, function(err)
        _M.report(err, describe and describe())
    end)
end


return _M
