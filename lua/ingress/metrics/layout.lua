-- The numbers that are kept for a series, and where each is: one block of doubles.
--
--     0         how often the block changed hands (cells.lua)
--     1         requests
--     2...      the sums of the histograms, side by side since each request adds to all of them
--     ...       their buckets, not cumulated; the last of each is above every bound

local ceil = math.ceil
local floor = math.floor

local DOUBLES_PER_CACHE_LINE = 8
-- NGINX measures times in milliseconds.
local SCALES = { time = 0.001, length = 1, size = 1 }

-- Names of ingress-nginx, after `nginx_ingress_controller_`, and whose bounds they have.
local HISTOGRAMS = {
    { name = "request_duration_seconds", bounds = "time" },
    { name = "response_duration_seconds", bounds = "time" },
    { name = "header_duration_seconds", bounds = "time" },
    { name = "connect_duration_seconds", bounds = "time" },
    { name = "request_size", bounds = "length" },
    { name = "response_size", bounds = "length" },
    { name = "bytes_sent", bounds = "size", sum_of = "response_size" },
}

local _M = { EPOCH = 0, REQUESTS = 1 }


-- The greatest whole numbers that are not above a bound.
local function limits(bounds, scale)
    local result = {}
    for i, bound in ipairs(bounds) do
        result[i] = floor(bound / scale + 1e-6)
    end
    return result
end


local function place_sums(layout)
    local place = _M.REQUESTS
    for _, histogram in ipairs(layout.histograms) do
        local shared = layout[histogram.sum_of]
        if not shared then
            place = place + 1
        end
        histogram.sum = shared and shared.sum or place
        layout[histogram.name] = histogram
    end
    return place + 1
end


local function place_buckets(layout, place)
    for _, histogram in ipairs(layout.histograms) do
        histogram.first = place
        place = place + #histogram.bounds + 1
    end
    return place
end


--- @param bounds {time, length, size}: arrays of numbers in ascending order, times in seconds
-- @return {width, REQUESTS, histograms, <name> = histogram}; a histogram is {name, bounds, limits,
--         scale, first, sum}: offsets in the block, and bounds in the unit that NGINX measures in
function _M.new(bounds)
    local layout = { REQUESTS = _M.REQUESTS, histograms = {} }
    for i, kind in ipairs(HISTOGRAMS) do
        local scale = SCALES[kind.bounds]
        layout.histograms[i] = {
            name = kind.name,
            bounds = bounds[kind.bounds],
            limits = limits(bounds[kind.bounds], scale),
            scale = scale,
            sum_of = kind.sum_of,
        }
    end
    local width = place_buckets(layout, place_sums(layout))
    layout.width = ceil(width / DOUBLES_PER_CACHE_LINE) * DOUBLES_PER_CACHE_LINE
    return layout
end


--- Which bucket a value belongs to, from 0.
function _M.bucket(limits_of_histogram, value)
    local count = #limits_of_histogram
    for i = 1, count do
        if value <= limits_of_histogram[i] then
            return i - 1
        end
    end
    return count
end


return _M
