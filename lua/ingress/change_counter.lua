-- Counters that tell workers that something changed, in a page of memory that master and workers
-- share: a look at one at each request costs nothing, where a dictionary takes a lock.

local ffi = require "ffi"
local shared_memory = require "ingress.shared_memory"

local PAGE = 4096

local address = shared_memory.open("change_counter", PAGE)

local _M = {
    -- Array of doubles, of which these are used:
    values = ffi.cast("volatile double *", ffi.cast("intptr_t", address)),
    -- how many change lists there have been (store.lua),
    RECORDS = 0,
    -- the version of what the Lua of this block knows of failing endpoints (health/ejection.lua),
    HEALTH = ngx.config.subsystem == "stream" and 2 or 1,
    -- and that of the `http` block.
    HTTP_HEALTH = 1,
}

return _M
