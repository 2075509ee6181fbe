-- Endpoints that are ejected, as the control API tells of them.

local counters = require "ingress.counters"
local ejection = require "ingress.health.ejection"

local match = string.match
local monotonic_time = require("resty.core.time").monotonic_time
local sort = table.sort
local tonumber = tonumber

local _M = {}


--- {address, port} of an id.
function _M.address_of(id)
    local address, port = match(id, "^(%S+) (%d+)$")
    return { address = address, port = tonumber(port) }
end


--- The list, by address, port and backend.
function _M.sorted(list)
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


--- What is ejected and what was counted, by the Lua of this block: {ejected, counts}, and what
-- checks say, {backend: {id: reason}} (docs/control-api.md, "Health").
function _M.get()
    local ejected, unhealthy = ejection.read()
    -- People want a date.
    local boot = ngx.now() - monotonic_time() -- luacheck: ignore 143
    local list = {}
    for backend, entries in pairs(ejected) do
        for id, entry in pairs(entries) do
            local item = _M.address_of(id)
            item.backend, item.reason = backend, entry.reason
            item.until_time, item.times = boot + entry.until_time, entry.times
            item.probing = ejection.is_probed(ejection.member(backend, id))
            list[#list + 1] = item
        end
    end
    return { ejected = _M.sorted(list), counts = counters.all() }, unhealthy
end


return _M
