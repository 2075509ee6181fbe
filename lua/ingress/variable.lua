-- Variables of the current request: the calls behind `ngx.var`, with names and buffers that are
-- made once. Four of them are in the path of each request, where what `ngx.var` does at each use
-- (check the name, find buffers, make a Lua string) is a hundredth of its cost.

local ffi = require "ffi"
local get_request = require("resty.core.base").get_request
require "resty.core.var"

local C = ffi.C
local ffi_string = ffi.string

local OK = 0
local LONGEST_ERROR = 256

ffi.cdef [[
int memcmp(const void *left, const void *right, size_t length);
]]

local value = ffi.new("unsigned char *[1]")
local value_length = ffi.new("size_t[1]")
local error_pointer = ffi.new("char *[1]")
local error_text = ffi.new("unsigned char[?]", LONGEST_ERROR)
local error_length = ffi.new("size_t[1]")

local _M = {}


--- What the other functions take: made once for each name.
function _M.new(name)
    return { name = name, buffer = ffi.new("unsigned char[?]", #name) }
end


local function find(variable)
    local name = variable.name
    return C.ngx_http_lua_ffi_var_get(get_request(), name, #name, variable.buffer, 0, value,
        value_length, error_pointer) == OK
end


--- Its text; nil when it has none.
function _M.get(variable)
    if find(variable) then
        return ffi_string(value[0], value_length[0])
    end
end


--- Whether it has this text. Makes no string.
function _M.equals(variable, text)
    return find(variable) and value_length[0] == #text
        and C.memcmp(value[0], text, #text) == 0
end


--- Throws where NGINX refuses: when nothing in the configuration reads the variable.
-- @param text   a string, or a pointer to bytes
-- @param length in bytes
function _M.set(variable, text, length)
    local name = variable.name
    error_length[0] = LONGEST_ERROR
    local status = C.ngx_http_lua_ffi_var_set(get_request(), name, #name, variable.buffer, text,
        length, error_text, error_length)
    if status ~= OK then
        error(ffi_string(error_text, error_length[0]))
    end
end


return _M
