-- Validation of the records of layer 4: of a port, and of a name whose TLS is passed through.

local record_key = require "ingress.pure.record_key"
local shape = require "ingress.pure.shape"

local format = string.format

local MEMBERS = { digest = true, backend = true, load_balance = true }
-- What is known of a connection before its first byte.
local VARIABLES = {
    binary_remote_addr = true, remote_addr = true, remote_port = true, server_addr = true,
    server_port = true,
}

local _M = {}


local function check_key(template)
    for i, part in ipairs(template) do
        if part.capture or part.var and not VARIABLES[part.var] then
            return format("load_balance.key[%d]: a connection has no %s", i - 1,
                part.var and shape.quoted(part.var) or "captures")
        end
    end
end


--- Why a record is refused, or nil.
-- @param deps `policies`: {name: {validate}}
function _M.refusal(record, deps)
    local load_balance = record.load_balance
    return shape.object(record, MEMBERS, "the record")
        or record_key.kind(record.backend) ~= "backend" and "backend must be a backend key"
        or load_balance ~= nil and deps.policies.load_balance.validate(load_balance)
        or load_balance ~= nil and load_balance.key and check_key(load_balance.key)
        or nil
end


return _M
