-- Adds a measured request to the histograms of its series: code made once for a layout, without a
-- loop, with every offset as a constant.

local concat = table.concat
local ffi = require "ffi"
local format = string.format
local layouts = require "ingress.metrics.layout"
local min = math.min
local stats = require "ingress.metrics.stats"

-- Up to this value a table tells the bucket: milliseconds of 16 s, or 16 KB.
local LAST = 16383

local STATS = {
    request_duration_seconds = stats.request_time,
    response_duration_seconds = stats.response_time,
    header_duration_seconds = stats.header_time,
    connect_duration_seconds = stats.connect_time,
    request_size = stats.request_size,
    response_size = stats.response_size,
    bytes_sent = stats.response_size,
}

local HEAD = [[
local numbers, values, histograms, tables, bucket_of = ...
]]
local BOUNDS = [[
local limits_%d, table_%d = histograms[%d].limits, tables[%d]
]]
local BEGIN = [[
return function(at, weight)
    local value, place
]]
local SUM = [[
        numbers[at + %d] = numbers[at + %d] + value * weight
]]
local BUCKET = [[
    value = values[%d]
    if value >= 0 then
%s        place = at + %d + (value <= %d and table_%d[value] or bucket_of(limits_%d, value))
        numbers[place] = numbers[place] + weight
    end
]]

local _M = {}


local function bucket_table(limits)
    local buckets = ffi.new("uint8_t[?]", LAST + 1)
    local from = 0
    for bucket = 0, #limits do
        local to = min(limits[bucket + 1] or LAST, LAST)
        if to >= from then
            ffi.fill(buckets + from, to - from + 1, bucket)
            from = to + 1
        end
    end
    return buckets
end


--- A function(at, weight) that adds `stats.values`, for as many requests as `weight` says, to the
-- block that begins at an index of `numbers`.
function _M.compile(layout, numbers)
    local code, tables = { HEAD }, {}
    for i, histogram in ipairs(layout.histograms) do
        tables[i] = bucket_table(histogram.limits)
        code[#code + 1] = format(BOUNDS, i, i, i, i)
    end
    code[#code + 1] = BEGIN
    for i, histogram in ipairs(layout.histograms) do
        local sum = histogram.sum_of and "" or format(SUM, histogram.sum, histogram.sum)
        code[#code + 1] = format(BUCKET, STATS[histogram.name], sum, histogram.first, LAST, i, i)
    end
    code[#code + 1] = "end"
    return loadstring(concat(code), "=metrics_writer")(numbers, stats.values, layout.histograms,
        tables, layouts.bucket)
end


return _M
