-- Validation of the record of settings.

local handshake = require "ingress.pure.handshake_record"
local record_key = require "ingress.pure.record_key"
local resilience = require "ingress.pure.resilience_record"
local member = require "ingress.pure.route_member"
local shape = require "ingress.pure.shape"

local MOST_QUESTIONS = 1000000
local SETTINGS = {
    access = true, blocks = true, body_size = true, header_spellings = true, load_balance = true,
    retries = true, timeouts = true,
}
local OTHER_SETTINGS = {
    default_backend = function(value)
        return record_key.kind(value) ~= "backend" and "default_backend must be a backend key"
            or nil
    end,
    ejection = resilience.ejection,
    questions = function(value)
        return not shape.is_integer(value, 1, MOST_QUESTIONS)
            and "questions must be a whole number" or nil
    end,
    reject_handshake = handshake.switch,
    retry_budget = resilience.retry_budget,
}
local UNROUTED = { class = true, policies = true }

local _M = {}


local function check_unrouted(unrouted, deps)
    return shape.object(unrouted, UNROUTED, "unrouted")
        or member.class(unrouted.class, "unrouted")
        or member.policies(unrouted.policies, "unrouted.policies", deps)
end


--- Why the record of settings is refused, or nil. Most members are defaults of the policies of the
-- same name.
-- @param deps `policies` {name: {validate(value, deps)}}
function _M.refusal(record, deps)
    if not shape.is_object(record) then
        return "the record must be an object"
    end
    for name, value in pairs(record) do
        local reason
        if SETTINGS[name] then
            reason = deps.policies[name].validate(value, deps)
        elseif OTHER_SETTINGS[name] then
            reason = OTHER_SETTINGS[name](value)
        elseif name == "unrouted" then
            reason = check_unrouted(value, deps)
        elseif name ~= "digest" then
            reason = "the record has an unknown member " .. shape.quoted(name)
        end
        if reason then
            return reason
        end
    end
end


return _M
