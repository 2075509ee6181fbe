-- Validation of the records of certificates with their keys, and of authorities.

local shape = require "ingress.pure.shape"

local find = string.find

local LONGEST_PEM = 262144

local CERTIFICATE = { digest = true, chain = true, key = true }
local AUTHORITY = { digest = true, certificates = true }

local _M = {}


local function check_pem(record, name)
    local pem = record[name]
    if type(pem) ~= "string" or #pem == 0 or #pem > LONGEST_PEM or find(pem, "%z") then
        return name .. " must be PEM text"
    end
end


--- Why an authority is refused, or nil.
-- @param deps `certificates(pem)` -> true | nil, err: they parse
function _M.authority(record, deps)
    local reason = shape.object(record, AUTHORITY, "the record")
        or check_pem(record, "certificates")
    if reason then
        return reason
    end
    local ok, err = deps.certificates(record.certificates)
    return not ok and err or nil
end


--- Why a certificate with its key is refused, or nil; no reason holds the key.
-- @param deps `pair(chain, key)` -> true | nil, err: both parse and fit
function _M.certificate(record, deps)
    local reason = shape.object(record, CERTIFICATE, "the record")
        or check_pem(record, "chain") or check_pem(record, "key")
    if reason then
        return reason
    end
    local ok, err = deps.pair(record.chain, record.key)
    return not ok and err or nil
end


return _M
