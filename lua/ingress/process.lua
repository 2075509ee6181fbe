-- What the workers need of the operating system and NGINX does not give to Lua.

local ffi = require "ffi"
local process = require "ngx.process"

local C = ffi.C

local SIGHUP, SIGTERM = 1, 15
local EPERM = 1
local PR_SET_PDEATHSIG = 1
-- NGX_PROCESS_SIGNALLER
local SIGNALLER = 2

ffi.cdef [[
int resty_ingress_kill(int pid, int signal) __asm__("kill");
int resty_ingress_getppid(void) __asm__("getppid");
int resty_ingress_chmod(const char *path, unsigned int mode) __asm__("chmod");
int resty_ingress_prctl(int option, unsigned long argument, ...) __asm__("prctl");
int resty_ingress_truncate(const char *path, long length) __asm__("truncate");
extern uintptr_t ngx_test_config;
extern uintptr_t ngx_process;
]]

local _M = {}


-- An orphan's parent is process 1 of the container or of the whole machine.
local function has_no_master()
    return C.resty_ingress_getppid() ~= process.get_master_pid()
end


--- Has the kernel end this process when its parent ends, also when that was killed.
function _M.die_with_parent()
    C.resty_ingress_prctl(PR_SET_PDEATHSIG, ffi.cast("unsigned long", SIGTERM))
end


--- Without a master nobody would reap, replace or reload a worker, and it would hold the ports that
-- the next master needs.
function _M.die_with_master()
    _M.die_with_parent()
    if has_no_master() then
        C.resty_ingress_kill(ngx.worker.pid(), SIGTERM)
    end
end


function _M.is_alive(pid)
    return C.resty_ingress_kill(pid, 0) == 0 or ffi.errno() == EPERM
end


--- Has the master load its configuration again; nil, err when there is no master or no permission.
function _M.reload()
    if has_no_master() then
        return nil, "the master process is gone"
    end
    if C.resty_ingress_kill(process.get_master_pid(), SIGHUP) ~= 0 then
        return nil, "the master process cannot be signalled: errno " .. ffi.errno()
    end
    return true
end


--- @param mode  octal digits, such as "660"
function _M.set_mode(path, mode)
    return C.resty_ingress_chmod(path, tonumber(mode, 8)) == 0
end


--- Cuts a file off after so many bytes.
function _M.truncate(path, length)
    return C.resty_ingress_truncate(path, length) == 0
end


--- Whether this process will never serve: `nginx -t`, or `nginx -s`.
function _M.is_visitor()
    return C.ngx_test_config ~= 0 or C.ngx_process == SIGNALLER
end


--- 128 random bits as hex: tells one start, or one load of the configuration, from another.
function _M.random_id()
    local file = assert(io.open("/dev/urandom", "rb"))
    local bytes = file:read(16)
    file:close()
    return (bytes:gsub(".", function(byte)
        return ("%02x"):format(byte:byte())
    end))
end


return _M
