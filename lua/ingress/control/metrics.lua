-- GET /v1/metrics: Prometheus text format 0.0.4.

local answer = require "ingress.control.answer"
local generation = require "ingress.generation"
local journal = require "ingress.control.journal"
local status = require "ingress.control.status"

local concat = table.concat
local format = string.format
local match = string.match
local tonumber = tonumber

local MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
local KINDS = { "backend", "certificate", "host", "setting" }
local RELOAD_RESULTS = { "success", "refused", "timeout" }
local CONNECTIONS = { "active", "reading", "writing", "waiting" }

local state = ngx.shared.resty_ingress_state

local _M = {}


local function metric(lines, name, kind, help)
    lines[#lines + 1] = format("# HELP resty_ingress_%s %s", name, help)
    lines[#lines + 1] = format("# TYPE resty_ingress_%s %s", name, kind)
    return function(value, labels)
        lines[#lines + 1] = format("resty_ingress_%s%s %.14g", name, labels or "", value)
    end
end


local function count_by_kind()
    local counts = {}
    for _, key in ipairs(journal.keys()) do
        local kind = match(key, "^[^/]*")
        counts[kind] = (counts[kind] or 0) + 1
    end
    return counts
end


local function write_records(lines)
    metric(lines, "revision", "gauge", "Revision of the records.")(journal.revision())
    local add = metric(lines, "records", "gauge", "Records by kind.")
    local counts = count_by_kind()
    for _, kind in ipairs(KINDS) do
        add(counts[kind] or 0, format('{kind="%s"}', kind))
    end
    local capacity = metric(lines, "dictionary_capacity_bytes", "gauge", "Size of a dictionary.")
    local dictionaries = status.dictionaries()
    capacity(dictionaries.records.capacity, '{dictionary="records"}')
    local free = metric(lines, "dictionary_free_bytes", "gauge", "Free pages of a dictionary.")
    free(dictionaries.records.free, '{dictionary="records"}')
end


local function write_generation(lines)
    local newest = generation.newest()
    metric(lines, "generation", "gauge", "Configurations loaded since the start.")(newest.number)
    metric(lines, "workers", "gauge", "Workers of the newest generation.")(#newest.workers)
    local add = metric(lines, "reloads_total", "counter", "Reloads asked for, by result.")
    for _, result in ipairs(RELOAD_RESULTS) do
        add(state:get("reloads/" .. result) or 0, format('{result="%s"}', result))
    end
end


local function write_connections(lines)
    local add = metric(lines, "connections", "gauge", "Connections of clients by state.")
    for _, name in ipairs(CONNECTIONS) do
        add(tonumber(ngx.var["connections_" .. name]) or 0, format('{state="%s"}', name))
    end
end


function _M.get()
    local lines = {}
    write_generation(lines)
    write_records(lines)
    write_connections(lines)
    return answer.text(concat(lines, "\n") .. "\n", MEDIA_TYPE)
end


return _M
