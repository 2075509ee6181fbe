-- What a host record says of TLS handshakes for the host.

local record_key = require "ingress.pure.record_key"
local shape = require "ingress.pure.shape"

local find = string.find

-- OpenSSL keeps one of each type of key.
local MOST_ALTERNATIVES = 3
local LONGEST_LIST = 1024
local CIPHERS = { list = true, prefer_server = true }

local _M = {}


local function is_certificate(key)
    return record_key.kind(key) == "certificate"
end


local function check_alternatives(list)
    if not shape.is_array(list) or #list == 0 or #list > MOST_ALTERNATIVES then
        return "alternatives must be a list of 1 to 3 certificate keys"
    end
    for _, key in ipairs(list) do
        if not is_certificate(key) then
            return "alternatives must be certificate keys"
        end
    end
end


local function check_ciphers(value)
    local list, prefer = value.list, value.prefer_server
    return shape.object(value, CIPHERS, "ciphers")
        or list ~= nil and not (shape.is_text(list, LONGEST_LIST) and find(list, "^[%w_.:@+!-]+$"))
            and "ciphers.list must be a list of ciphers"
        or prefer ~= nil and type(prefer) ~= "boolean" and "ciphers.prefer_server must be a boolean"
        or nil
end


--- Why the members of a host record are refused, or nil.
function _M.refusal(record)
    if record.certificate ~= nil and not is_certificate(record.certificate) then
        return "certificate must be a certificate key"
    end
    if record.alternatives ~= nil then
        local reason = record.certificate == nil and "alternatives need a certificate"
            or check_alternatives(record.alternatives)
        if reason then
            return reason
        end
    end
    if record.ciphers ~= nil then
        return not shape.is_object(record.ciphers) and "ciphers must be an object"
            or check_ciphers(record.ciphers)
    end
end


--- Why the setting `reject_handshake` is refused, or nil.
function _M.switch(value)
    return type(value) ~= "boolean" and "reject_handshake must be a boolean" or nil
end


return _M
