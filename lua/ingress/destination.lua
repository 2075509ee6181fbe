-- Which addresses requests may be sent to. Asked when a record is pushed, and again when a worker
-- decodes it, so that no way into the dictionary leads to a connection to ourselves.

local address = require "ingress.pure.address"

local format = string.format

local allow_loopback = false
local own = {}
-- Ports at which an own address is this pod; nil: at all of them.
local own_ports

local _M = {}


local function parse_ports(text)
    local ports
    for item in text:gmatch("[^,%s]+") do
        local port = item:find("^%d+$") and tonumber(item)
        if not port then
            error(format("RESTY_INGRESS_POD_PORTS: %q is no port", item), 3)
        end
        ports = ports or {}
        ports[port] = true
    end
    return ports
end


--- Read once, in the master: `RESTY_INGRESS_ALLOW_LOOPBACK`, `RESTY_INGRESS_POD_IPS`,
-- `RESTY_INGRESS_POD_PORTS` (in the network of a node the other ports are not ours).
function _M.configure(environment)
    allow_loopback = environment("RESTY_INGRESS_ALLOW_LOOPBACK") == "1"
    own_ports = parse_ports(environment("RESTY_INGRESS_POD_PORTS") or "")
    own = {}
    for text in (environment("RESTY_INGRESS_POD_IPS") or ""):gmatch("[^,%s]+") do
        local bytes = address.parse(text)
        if not bytes then
            error(format("RESTY_INGRESS_POD_IPS: %q is no IP address", text), 2)
        end
        own[address.canonical(bytes)] = true
    end
end


--- Whether an address is one of this pod's, or of the node whose network it has.
function _M.is_own(bytes)
    return own[address.canonical(bytes)] == true
end


--- Why an address and port are never a destination, as words that follow the address and "is"; nil
-- when they may be one.
function _M.refusal(bytes, port)
    if own[address.canonical(bytes)] and (not own_ports or own_ports[port]) then
        return "an address of this pod"
    end
    local class = address.classify(bytes)
    if class == "ordinary" or (class == "loopback" and allow_loopback) then
        return nil
    end
    return "a " .. class .. " address"
end


return _M
