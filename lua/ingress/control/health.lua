-- GET /v1/health: the endpoints that get no requests, and why.

local answer = require "ingress.control.answer"
local counters = require "ingress.counters"
local ejection = require "ingress.health.ejection"

local match = string.match
local sort = table.sort
local tonumber = tonumber

local _M = {}


local function address_of(id)
    local address, port = match(id, "^(%S+) (%d+)$")
    return { address = address, port = tonumber(port) }
end


local function sorted(list)
    sort(list, function(a, b)
        if a.address ~= b.address then
            return a.address < b.address
        elseif a.port ~= b.port then
            return a.port < b.port
        end
        return a.backend < b.backend
    end)
    return list
end


local function ejected_endpoints(ejected)
    local list = {}
    for backend, entries in pairs(ejected) do
        for id, entry in pairs(entries) do
            local item = address_of(id)
            item.backend, item.reason = backend, entry.reason
            item.until_time, item.times = entry.until_time, entry.times
            item.probing = ejection.is_probed(ejection.member(backend, id))
            list[#list + 1] = item
        end
    end
    return sorted(list)
end


local function unhealthy_endpoints(unhealthy)
    local list = {}
    for backend, reasons in pairs(unhealthy) do
        for id, reason in pairs(reasons) do
            local item = address_of(id)
            item.backend, item.reason = backend, reason
            list[#list + 1] = item
        end
    end
    return sorted(list)
end


function _M.get()
    local ejected, unhealthy = ejection.read()
    return answer.ok({
        ejected = ejected_endpoints(ejected),
        unhealthy = unhealthy_endpoints(unhealthy),
        counts = counters.all(),
    })
end


return _M
