-- Numbers that tell workers that something changed, in a page of memory that master and workers
-- share: a look at it at each request costs nothing, where the dictionary takes a lock.
--
-- Place 0: how many change lists there have been (store.lua)
--       1: version of the health (ejection.lua)

local ffi = require "ffi"
local shared_memory = require "ingress.shared_memory"

local PAGE = 4096

local address = shared_memory.open("change_counter", PAGE)

return ffi.cast("volatile double *", ffi.cast("intptr_t", address))
