-- GET /v1/metrics: what OpenResty tells of itself, as Prometheus text 0.0.4.

local answer = require "ingress.control.answer"
local counters = require "ingress.counters"
local generation = require "ingress.generation"
local journal = require "ingress.control.journal"
local metrics = require "ingress.metrics"
local status = require "ingress.control.status"

local concat = table.concat
local format = string.format

local MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
local KINDS = { "backend", "certificate", "host", "setting" }
local RELOAD_RESULTS = { "success", "refused", "timeout" }

local state = ngx.shared.resty_ingress_state

local _M = {}


local function metric(lines, name, kind, help)
    lines[#lines + 1] = format("# HELP resty_ingress_%s %s", name, help)
    lines[#lines + 1] = format("# TYPE resty_ingress_%s %s", name, kind)
    return function(value, label, label_value)
        local labels = label and format('{%s="%s"}', label, label_value) or ""
        lines[#lines + 1] = format("resty_ingress_%s%s %.14g", name, labels, value)
    end
end


local function write_records(lines)
    metric(lines, "revision", "gauge", "Revision of the records.")(journal.revision())
    local add = metric(lines, "records", "gauge", "Records by kind.")
    local counts = journal.counts()
    for _, kind in ipairs(KINDS) do
        add(counts[kind], "kind", kind)
    end
end


local function write_dictionaries(lines)
    local usages = status.dictionaries()
    local capacity = metric(lines, "dictionary_capacity_bytes", "gauge", "Size of a dictionary.")
    for _, name in ipairs(status.DICTIONARIES) do
        capacity(usages[name].capacity, "dictionary", name)
    end
    local free = metric(lines, "dictionary_free_bytes", "gauge", "Free pages of a dictionary.")
    for _, name in ipairs(status.DICTIONARIES) do
        free(usages[name].free, "dictionary", name)
    end
end


local function write_generation(lines)
    local newest = generation.newest()
    metric(lines, "generation", "gauge", "Configurations loaded since the start.")(newest.number)
    metric(lines, "workers", "gauge", "Workers of the newest generation.")(#newest.workers)
    local add = metric(lines, "reloads_total", "counter", "Reloads asked for, by result.")
    for _, result in ipairs(RELOAD_RESULTS) do
        add(state:get("reloads/" .. result) or 0, "result", result)
    end
end


local function write_events(lines)
    local counts = counters.all()
    for _, event in ipairs(counters.EVENTS) do
        local name, help = event[1], event[2]
        metric(lines, name .. "_total", "counter", help)(counts[name])
    end
end


local function write_series(lines)
    local source = metrics.source()
    local usage = source and source.registry:usage() or { series = 0, capacity = 0 }
    metric(lines, "series", "gauge", "Series that requests are counted in.")(usage.series)
    metric(lines, "series_capacity", "gauge", "How many there is room for; further requests count"
        .. " in the series _other.")(usage.capacity)
end


--- GET /v1/metrics
function _M.get()
    local lines = {}
    write_generation(lines)
    write_records(lines)
    write_dictionaries(lines)
    write_events(lines)
    write_series(lines)
    return answer.text(concat(lines, "\n") .. "\n", MEDIA_TYPE)
end


return _M
