-- Which records are taken, and the form in which they are stored: for what is pushed, and once more
-- for what comes from the file, which is no way around the rules.

local client_certificate = require "ingress.tls.client_certificate"
local destination = require "ingress.destination"
local json = require "ingress.control.json"
local key_pair = require "ingress.tls.key_pair"
local path_regex = require "ingress.path_regex"
local policies = require "ingress.policy.registry"
local record = require "ingress.pure.record"
local store = require "ingress.store"

local find = string.find
local sub = string.sub

local deps = {
    policies = policies.by_name,
    compiles = path_regex.compiles,
    refusal = destination.refusal,
    pair = key_pair.check,
    certificates = client_certificate.check,
}

local _M = {}


--- Why the record under this key is refused, or nil.
function _M.refusal(key, value)
    return record.refusal(key, value, deps)
end


--- The text that the dictionary holds.
-- @param text  the record as JSON, where the caller has it
function _M.stored(value, text)
    return value.digest .. store.SEPARATOR .. (text or json.encode(value))
end


local function separator(stored)
    return find(stored, store.SEPARATOR, 1, true)
end


--- The digest of a record.
-- @param stored  what the dictionary holds
function _M.digest(stored)
    return sub(stored, 1, separator(stored) - 1)
end


--- The record as JSON.
function _M.text(stored)
    return sub(stored, separator(stored) + 1)
end


return _M
