-- Validation of records. Each kind has a function that answers with the reason why a record is
-- refused, or nil. Limits come first, so that a hostile record is refused cheaply.

local backend_record = require "ingress.pure.backend_record"
local certificate_record = require "ingress.pure.certificate_record"
local host_record = require "ingress.pure.host_record"
local htpasswd_record = require "ingress.pure.htpasswd_record"
local record_key = require "ingress.pure.record_key"
local setting_record = require "ingress.pure.setting_record"
local shape = require "ingress.pure.shape"
local stream_record = require "ingress.pure.stream_record"

local format = string.format

local LONGEST_DIGEST = 128

local REFUSALS = {
    authority = certificate_record.authority,
    backend = backend_record.refusal,
    certificate = certificate_record.certificate,
    host = host_record.refusal,
    htpasswd = htpasswd_record.refusal,
    passthrough = stream_record.refusal,
    setting = setting_record.refusal,
    stream = stream_record.refusal,
}

local _M = {}


--- Why the record under this key is refused, or nil.
-- @param deps what the kinds need of NGINX and OpenSSL (control/validation.lua)
function _M.refusal(key, record, deps)
    local kind = record_key.kind(key)
    if not kind then
        return "the key has no form of a record's"
    end
    if type(record) ~= "table" then
        return "the record must be an object"
    end
    local digest = record.digest
    if not shape.is_text(digest, LONGEST_DIGEST) or digest == "" then
        return format("digest must be text of at most %d bytes", LONGEST_DIGEST)
    end
    return REFUSALS[kind](record, deps)
end


return _M
