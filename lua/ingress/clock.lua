-- Clocks of the kernel. That of NGINX stands still while a worker is busy: one worker may be behind
-- another by it.

local ffi = require "ffi"

local C = ffi.C
local tonumber = tonumber

local MONOTONIC, THREAD_CPUTIME = 1, 3

ffi.cdef [[
struct resty_ingress_time { long seconds, nanoseconds; };
int resty_ingress_clock(int clock, struct resty_ingress_time *time) __asm__("clock_gettime");
]]

local time = ffi.new("struct resty_ingress_time")

local _M = {}


local function nanoseconds(clock)
    C.resty_ingress_clock(clock, time)
    return tonumber(time.seconds) * 1e9 + tonumber(time.nanoseconds)
end


--- Milliseconds, the same for all processes.
function _M.milliseconds()
    return nanoseconds(MONOTONIC) / 1e6
end


--- Nanoseconds that this worker had of the processor.
function _M.cpu_nanoseconds()
    return nanoseconds(THREAD_CPUTIME)
end


return _M
