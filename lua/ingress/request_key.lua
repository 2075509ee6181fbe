-- The address of the current request as a number: its name as long as it lives.

local ffi = require "ffi"
local get_request = require("resty.core.base").get_request

local cast = ffi.cast
local tonumber = tonumber


return function()
    return tonumber(cast("intptr_t", get_request()))
end
