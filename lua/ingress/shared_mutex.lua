-- Mutexes in memory that master and workers share. The kernel releases that of a worker that was
-- killed (a robust mutex).

local ffi = require "ffi"

local C = ffi.C
local cast = ffi.cast
local format = string.format

local PROCESS_SHARED, ROBUST = 1, 1
local EOWNERDEAD = 130

ffi.cdef [[
typedef union { char space[64]; long long alignment; } resty_ingress_mutex;
int resty_ingress_mutexattr_init(resty_ingress_mutex *attributes) __asm__("pthread_mutexattr_init");
int resty_ingress_mutexattr_setpshared(resty_ingress_mutex *attributes, int shared)
    __asm__("pthread_mutexattr_setpshared");
int resty_ingress_mutexattr_setrobust(resty_ingress_mutex *attributes, int robust)
    __asm__("pthread_mutexattr_setrobust");
int resty_ingress_mutex_init(resty_ingress_mutex *mutex, const resty_ingress_mutex *attributes)
    __asm__("pthread_mutex_init");
int resty_ingress_mutex_lock(resty_ingress_mutex *mutex) __asm__("pthread_mutex_lock");
int resty_ingress_mutex_consistent(resty_ingress_mutex *mutex) __asm__("pthread_mutex_consistent");
int resty_ingress_mutex_unlock(resty_ingress_mutex *mutex) __asm__("pthread_mutex_unlock");
]]

local _M = {
    -- Of one mutex: a cache line.
    BYTES = 64,
}


local function check(result, what)
    if result ~= 0 then
        error(format("%s failed: error %d", what, result))
    end
end


--- @param address of `count` mutexes, as a number
-- @param is_new  they are to be made
function _M.open(address, count, is_new)
    local mutexes = cast("resty_ingress_mutex *", cast("intptr_t", address))
    if not is_new then
        return mutexes
    end
    local attributes = ffi.new("resty_ingress_mutex")
    check(C.resty_ingress_mutexattr_init(attributes), "pthread_mutexattr_init")
    check(C.resty_ingress_mutexattr_setpshared(attributes, PROCESS_SHARED),
        "pthread_mutexattr_setpshared")
    check(C.resty_ingress_mutexattr_setrobust(attributes, ROBUST), "pthread_mutexattr_setrobust")
    for i = 0, count - 1 do
        check(C.resty_ingress_mutex_init(mutexes + i, attributes), "pthread_mutex_init")
    end
    return mutexes
end


--- @return whether the one that held it died: what it was writing may be half written
function _M.lock(mutex)
    if C.resty_ingress_mutex_lock(mutex) == EOWNERDEAD then
        C.resty_ingress_mutex_consistent(mutex)
        return true
    end
    return false
end


function _M.unlock(mutex)
    C.resty_ingress_mutex_unlock(mutex)
end


return _M
