-- Which addresses requests may be sent to. Asked when a record is pushed, and again when a worker
-- decodes it, so that no way into the dictionary leads to a connection to ourselves.

local address = require "ingress.pure.address"

local format = string.format

local allow_loopback = false
local own = {}

local _M = {}


--- Read once, in the master: `RESTY_INGRESS_ALLOW_LOOPBACK`, `RESTY_INGRESS_POD_IPS`.
function _M.configure(environment)
    allow_loopback = environment("RESTY_INGRESS_ALLOW_LOOPBACK") == "1"
    own = {}
    for text in (environment("RESTY_INGRESS_POD_IPS") or ""):gmatch("[^,%s]+") do
        local bytes = address.parse(text)
        if not bytes then
            error(format("RESTY_INGRESS_POD_IPS: %q is no IP address", text), 2)
        end
        own[address.canonical(bytes)] = true
    end
end


--- Why an address is never a destination, as words that follow "is"; nil when it may be one.
function _M.refusal(bytes)
    if own[address.canonical(bytes)] then
        return "an address of this pod"
    end
    local class = address.classify(bytes)
    if class == "ordinary" or (class == "loopback" and allow_loopback) then
        return nil
    end
    return "a " .. class .. " address"
end


return _M
