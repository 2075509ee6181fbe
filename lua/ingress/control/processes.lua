-- GET /v1/processes: what the processes of NGINX use, and its connections.

local answer = require "ingress.control.answer"
local ffi = require "ffi"
local process = require "ngx.process"

local C = ffi.C
local gmatch = string.gmatch
local match = string.match
local tonumber = tonumber

local SC_CLK_TCK, SC_PAGESIZE = 2, 30
-- Fields of /proc/PID/stat after the name of the program.
local USER, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM = 12, 13, 14, 15
local START, VIRTUAL_BYTES, RESIDENT_PAGES = 20, 21, 22

ffi.cdef [[
long resty_ingress_sysconf(int name) __asm__("sysconf");
extern volatile uintptr_t *ngx_stat_accepted, *ngx_stat_handled, *ngx_stat_requests;
]]

local _M = {}


-- nil: the process is gone, or does not let itself be looked into.
local function read_file(path)
    local file = io.open(path, "rb")
    local text = file and file:read("*a")
    if file then
        file:close()
    end
    return text
end


local function read_stat(pid)
    local text = read_file("/proc/" .. pid .. "/stat")
    local fields = {}
    for field in gmatch(text and match(text, "%) (.*)$") or "", "%S+") do
        fields[#fields + 1] = tonumber(field) or 0
    end
    return fields[RESIDENT_PAGES] and fields
end


local function add_io(total, pid)
    local text = read_file("/proc/" .. pid .. "/io") or ""
    local read, written = match(text, "read_bytes: (%d+)"), match(text, "\nwrite_bytes: (%d+)")
    if read and written then
        total.read_bytes = (total.read_bytes or 0) + read
        total.write_bytes = (total.write_bytes or 0) + written
    end
end


-- The master's own numbers hold those of the workers that have ended, so that sums never fall.
local function add_process(total, pid, is_master)
    local stat = read_stat(pid)
    if not stat then
        return
    end
    local ticks = stat[USER] + stat[SYSTEM]
        + (is_master and stat[CHILDREN_USER] + stat[CHILDREN_SYSTEM] or 0)
    total.count = total.count + 1
    total.cpu_seconds = total.cpu_seconds + ticks / total.ticks_per_second
    total.virtual_bytes = total.virtual_bytes + stat[VIRTUAL_BYTES]
    total.resident_bytes = total.resident_bytes + stat[RESIDENT_PAGES] * total.page_bytes
    total.first_start = math.min(total.first_start, stat[START] / total.ticks_per_second)
    add_io(total, pid)
end


local function processes()
    local master = process.get_master_pid()
    local total = {
        count = 0, cpu_seconds = 0, virtual_bytes = 0, resident_bytes = 0, first_start = math.huge,
        ticks_per_second = tonumber(C.resty_ingress_sysconf(SC_CLK_TCK)),
        page_bytes = tonumber(C.resty_ingress_sysconf(SC_PAGESIZE)),
    }
    add_process(total, master, true)
    local children = read_file(("/proc/%d/task/%d/children"):format(master, master)) or ""
    for pid in gmatch(children, "%d+") do
        add_process(total, pid)
    end
    local boot = tonumber(match(read_file("/proc/stat") or "", "btime (%d+)"))
    return {
        count = total.count,
        cpu_seconds = total.cpu_seconds,
        virtual_bytes = total.virtual_bytes,
        resident_bytes = total.resident_bytes,
        read_bytes = total.read_bytes,
        write_bytes = total.write_bytes,
        oldest_start_time = total.count > 0 and boot and boot + total.first_start or nil,
    }
end


local function connections()
    local var = ngx.var
    return {
        active = tonumber(var.connections_active),
        reading = tonumber(var.connections_reading),
        writing = tonumber(var.connections_writing),
        waiting = tonumber(var.connections_waiting),
        accepted = tonumber(C.ngx_stat_accepted[0]),
        handled = tonumber(C.ngx_stat_handled[0]),
    }
end


--- 200 {processes, connections, requests}.
function _M.get()
    return answer.ok({
        processes = processes(),
        connections = connections(),
        requests = tonumber(C.ngx_stat_requests[0]),
    })
end


return _M
