-- GET /v1/requests: the numbers of all series as they lie in memory, since text of ten thousand
-- histograms would hold up a worker.
--
-- A line of JSON tells what the numbers are; then, for each series, a line of JSON, its labels, and
-- its numbers: doubles in the byte order of the machine.

local ffi = require "ffi"
local json = require "ingress.control.json"
local metrics = require "ingress.metrics"
local pacing = require "ingress.pacing"
local sweeper = require "ingress.metrics.sweeper"

local MEDIA_TYPE = "application/octet-stream"
-- How many series are sent before others have their turn.
local AT_ONCE = 64

local _M = {}


local function describe(layout)
    local histograms = {}
    for i, histogram in ipairs(layout.histograms) do
        histograms[i] = {
            name = histogram.name,
            bounds = histogram.bounds,
            scale = histogram.scale,
            sum = histogram.sum,
            first = histogram.first,
        }
    end
    return { width = layout.width, requests = layout.REQUESTS, histograms = histograms }
end


local function send_series(source, send)
    local bytes = source.layout.width * ffi.sizeof("double")
    local numbers = ffi.new("double[?]", source.layout.width)
    local count = 0
    for id, labels in source.registry:each() do
        source.memory:read(id, numbers)
        if numbers[source.layout.REQUESTS] > 0 then
            send({ labels, "\n", ffi.string(numbers, bytes) })
        end
        count = count + 1
        if count % AT_ONCE == 0 then
            ngx.flush(true)
            pacing.rest()
        end
    end
end


--- GET /v1/requests
function _M.get()
    local source = metrics.source()
    return {
        status = 200,
        type = MEDIA_TYPE,
        stream = function(send)
            if source then
                sweeper.run(source.registry, source.options)
                send({ json.encode(describe(source.layout)), "\n" })
                send_series(source, send)
            end
        end,
    }
end


return _M
