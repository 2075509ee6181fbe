-- Dictionaries of the `http` block as the Lua of the `stream` block reads them: through the
-- interface that ngx_lua has for other C modules (src/api/ngx_http_lua_api.h). Both run in the same
-- processes, and `ngx.shared` holds only those of its own block.

local ffi = require "ffi"

local C = ffi.C
local ffi_string = ffi.string
local setmetatable = setmetatable
local tonumber = tonumber

local OK = 0
local BOOLEAN, NUMBER, STRING = 1, 3, 4
-- Of texts; a longer one takes another look, with a buffer that is not kept.
local USUAL_LENGTH = 65536
local GROWTH = 4
local LONGEST = 2 ^ 30

ffi.cdef [[
typedef struct {
    uint8_t type;
    union {
        int boolean;
        double number;
        struct { size_t length; char *bytes; } text;
    } value;
} resty_ingress_shared_value;

void *ngx_http_lua_find_zone(const char *name, size_t length);
intptr_t ngx_http_lua_shared_dict_get(void *zone, const char *key, size_t key_length,
    resty_ingress_shared_value *value);
]]

local value = ffi.new("resty_ingress_shared_value")
local usual_buffer = ffi.new("char[?]", USUAL_LENGTH)

local _M = {}
_M.__index = _M


--- A dictionary of the `http` block; nil when it has none of that name.
function _M.open(name)
    local zone = C.ngx_http_lua_find_zone(name, #name)
    return zone ~= nil and setmetatable({ zone = zone }, _M) or nil
end


local function look_up(zone, key, buffer, length)
    local text = value.value.text
    text.bytes, text.length = buffer, length
    return C.ngx_http_lua_shared_dict_get(zone, key, #key, value) == OK
end


-- What does not fit is cut off without a word.
local function read_text(zone, key, buffer, length)
    local size = tonumber(value.value.text.length)
    if size < length then
        return ffi_string(buffer, size)
    elseif length > LONGEST then
        return nil
    end
    length = length * GROWTH
    buffer = ffi.new("char[?]", length)
    if look_up(zone, key, buffer, length) and value.type == STRING then
        return read_text(zone, key, buffer, length)
    end
end


--- As `ngx.shared.DICT:get`, of a boolean, a number or a text.
function _M:get(key)
    local zone = self.zone
    if not look_up(zone, key, usual_buffer, USUAL_LENGTH) then
        return nil
    elseif value.type == STRING then
        return read_text(zone, key, usual_buffer, USUAL_LENGTH)
    elseif value.type == NUMBER then
        return value.value.number
    elseif value.type == BOOLEAN then
        return value.value.boolean ~= 0
    end
end


return _M
