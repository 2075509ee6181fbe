-- What NGINX measured of the current request. One variable has it all, made by NGINX in one go and
-- read where it lies: a Lua string for each would be garbage to collect.
--
--     map "" $stats { default "$request_length $bytes_sent
--         $upstream_connect_time;$upstream_header_time;$upstream_response_time;"; }

local ffi = require "ffi"
require "resty.core.var"

local C = ffi.C
local floor = math.floor
local gmatch = string.gmatch
local tonumber = tonumber

local NAME = "stats"
local DASH, DOT, END, ZERO = ("-"):byte(), ("."):byte(), (";"):byte(), ("0"):byte()

ffi.cdef [[
double ngx_http_lua_ffi_now(void);
double ngx_http_lua_ffi_req_start_time(ngx_http_request_t *request);
unsigned long resty_ingress_strtoul(const char *text, char **end, int base) __asm__("strtoul");
]]

local lower_case = ffi.new("char[?]", #NAME)
local value = ffi.new("char *[1]")
local length = ffi.new("size_t[1]")
local err = ffi.new("char *[1]")
local rest = ffi.new("char *[1]")

local _M = {
    request_time = 0,
    response_time = 1,
    header_time = 2,
    connect_time = 3,
    request_size = 4,
    response_size = 5,
}

-- Milliseconds and bytes; a time that NGINX did not measure is negative.
local values = ffi.new("double[6]")
_M.values = values


local function whole_number()
    return tonumber(C.resty_ingress_strtoul(rest[0], rest, 10))
end


-- The tries of a request, "0.012, -, 0.003 : 0.001": their sum, as far as there were any.
local function sum_of_tries(from)
    local sum, at = -1, from
    while at[0] ~= END do
        at = at + 1
    end
    for seconds, thousandths in gmatch(ffi.string(from, at - from), "(%d+)%.(%d+)") do
        sum = (sum < 0 and 0 or sum) + seconds * 1000 + thousandths
    end
    rest[0] = at + 1
    return sum
end


local function digit(character)
    return character - ZERO
end


-- "0.012;" is by far the commonest, and read without a call; "-;" says that there was no try.
local function milliseconds()
    local from = rest[0]
    if from[1] == DOT and from[5] == END then
        rest[0] = from + 6
        return digit(from[0]) * 1000 + digit(from[2]) * 100 + digit(from[3]) * 10 + digit(from[4])
    end
    if from[0] == DASH and from[1] == END then
        rest[0] = from + 2
        return -1
    end
    return sum_of_tries(from)
end


--- Reads the stats of a request into `values`; false when the configuration has no such variable.
function _M.read(request)
    local result = C.ngx_http_lua_ffi_var_get(request, NAME, #NAME, lower_case, 0, value, length,
        err)
    if result ~= 0 then
        return false
    end
    rest[0] = value[0]
    values[_M.request_size] = whole_number()
    values[_M.response_size] = whole_number()
    rest[0] = rest[0] + 1
    values[_M.connect_time] = milliseconds()
    values[_M.header_time] = milliseconds()
    values[_M.response_time] = milliseconds()
    -- As NGINX computes $request_time.
    local seconds = C.ngx_http_lua_ffi_now() - C.ngx_http_lua_ffi_req_start_time(request)
    values[_M.request_time] = seconds > 0 and floor(seconds * 1000 + 0.5) or 0
    return true
end


return _M
