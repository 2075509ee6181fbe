-- Where a request of ours goes that is not the client's own: a backend, the Host, and path and
-- query; over TLS with a name.

local record_key = require "ingress.pure.record_key"
local shape = require "ingress.pure.shape"
local template = require "ingress.pure.template_record"

local byte = string.byte
local find = string.find

local LONGEST_HOST = 262
local SLASH = byte("/")

local _M = {}


local function is_host(value)
    return shape.is_text(value, LONGEST_HOST) and find(value, "^[%w.:%[%]-]+$") ~= nil
end


-- Path and query: whatever variables stand for, they cannot become another host.
local function target_refusal(target, where)
    local reason = template.refusal(target, where .. ".target")
    if reason then
        return reason
    end
    local text = target[1].text
    return (not text or byte(text) ~= SLASH) and where .. ".target must begin with a slash" or nil
end


--- Why the members backend, host, target, tls and name are refused; nil: they are not.
-- @param where  what they are members of
function _M.refusal(value, where)
    return record_key.kind(value.backend) ~= "backend" and where .. ".backend must be a backend key"
        or not is_host(value.host) and where .. ".host must be a host"
        or value.tls ~= nil and value.tls ~= true and where .. ".tls must be true or absent"
        or (value.tls ~= nil) ~= (value.name ~= nil)
            and where .. ".tls and " .. where .. ".name need each other"
        or value.name ~= nil and not is_host(value.name) and where .. ".name must be a host"
        or target_refusal(value.target, where)
end


return _M
