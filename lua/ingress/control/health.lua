-- GET /v1/health: the endpoints that get no requests, and why.

local answer = require "ingress.control.answer"
local json = require "ingress.control.json"
local report = require "ingress.health.report"

-- Where the Lua of the `stream` block tells the same (stream/status.lua).
local STREAM_SOCKET = ngx.config.prefix() .. "stream.sock"
-- What opening a file answers when it is a socket.
local ENXIO = 6
-- Milliseconds.
local PATIENCE = 1000

local _M = {}


local function unhealthy_endpoints(unhealthy)
    local list = {}
    for backend, reasons in pairs(unhealthy) do
        for id, reason in pairs(reasons) do
            local item = report.address_of(id)
            item.backend, item.reason = backend, reason
            list[#list + 1] = item
        end
    end
    return report.sorted(list)
end


-- A connection that fails would be logged.
local function has_stream()
    local _, _, code = io.open(STREAM_SOCKET)
    return code == ENXIO
end


-- Nil where there is no such block, or one without Lua.
local function of_stream()
    if not has_stream() then
        return nil
    end
    local socket = ngx.socket.tcp()
    socket:settimeout(PATIENCE)
    if not socket:connect("unix:" .. STREAM_SOCKET) then
        return nil
    end
    local text = socket:receive("*a")
    socket:close()
    return text and json.decode(text)
end


--- GET /v1/health
function _M.get()
    local health, unhealthy = report.get()
    health.unhealthy = unhealthy_endpoints(unhealthy)
    health.stream = of_stream()
    return answer.ok(health)
end


return _M
