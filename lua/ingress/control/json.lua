-- JSON of the control API.

local cjson = require("cjson.safe").new()

local gsub = string.gsub

-- body > set > key > record > routes > route > backends > backend, and some room in policies.
local DEEPEST = 20

cjson.decode_max_depth(DEEPEST)
cjson.decode_invalid_numbers(false)
cjson.encode_number_precision(14)

-- The members of our vocabulary that are lists. The decoder does not tell an empty list from an
-- empty object, so the encoder has to be told.
local LISTS = {
    "backends", "conditions", "ejected", "endpoints", "routes", "unhealthy", "workers",
}

local _M = {}


--- The value, or nil, err.
function _M.decode(text)
    local value, err = cjson.decode(text)
    if value == nil then
        return nil, "the body is no JSON: " .. tostring(err)
    end
    return value
end


--- Quotes inside of texts are escaped, so only a member can look like one.
function _M.encode(value)
    local text = assert(cjson.encode(value))
    for _, name in ipairs(LISTS) do
        text = gsub(text, '"' .. name .. '":{}', '"' .. name .. '":[]')
    end
    return text
end


return _M
