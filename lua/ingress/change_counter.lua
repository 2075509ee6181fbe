-- Numbers that tell workers that something changed, in a page of memory that master and workers
-- share: a look at it at each request costs nothing, where the dictionary takes a lock.
--
-- Place 0: how many change lists there have been (store.lua)
--       1: version of the health (ejection.lua)

local ffi = require "ffi"

local C = ffi.C

local PAGE = 4096
local PROT_READ_WRITE = 3
local MAP_SHARED_ANONYMOUS = 0x21
local ADDRESS = "change_counter"

ffi.cdef [[
void *resty_ingress_mmap(void *address, size_t length, int protection, int flags, int file,
    long offset) __asm__("mmap");
]]

local state = ngx.shared.resty_ingress_state


-- The master comes here at each load of the configuration, and keeps the page that it has: workers
-- of all generations look at the same.
local function address_of_page()
    local known = state:get(ADDRESS)
    if known then
        return known
    end
    local page = C.resty_ingress_mmap(nil, PAGE, PROT_READ_WRITE, MAP_SHARED_ANONYMOUS, -1, 0)
    local address = tonumber(ffi.cast("intptr_t", page))
    if address == -1 then
        error("no memory to share: errno " .. ffi.errno())
    end
    state:set(ADDRESS, address)
    return address
end


return ffi.cast("volatile double *", ffi.cast("intptr_t", address_of_page()))
