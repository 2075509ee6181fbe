-- Memory that the master and all workers see: they inherit it, so only the master may make it.

local ffi = require "ffi"

local C = ffi.C

local PROT_READ_WRITE = 3
local MAP_SHARED_ANONYMOUS = 0x21

ffi.cdef [[
void *resty_ingress_mmap(void *address, size_t length, int protection, int flags, int file,
    long offset) __asm__("mmap");
]]

local state = ngx.shared.resty_ingress_state

local _M = {}


--- The memory of a name, made and zeroed when it is asked for first. The master comes here at each
-- load of the configuration, and workers of all generations look at the same.
-- @return its address as a number, and whether it was made now
function _M.open(name, bytes)
    local known = state:get("memory/" .. name)
    if known then
        return known, false
    end
    local memory = C.resty_ingress_mmap(nil, bytes, PROT_READ_WRITE, MAP_SHARED_ANONYMOUS, -1, 0)
    local address = tonumber(ffi.cast("intptr_t", memory))
    if address == -1 then
        error("no memory to share: errno " .. ffi.errno())
    end
    state:set("memory/" .. name, address)
    return address, true
end


return _M
