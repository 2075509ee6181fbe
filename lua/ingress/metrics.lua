-- Counts requests: how many, how long, how large, by the labels of ingress-nginx.
--
-- Each request comes here, so its cost matters: the series of a route keeps its blocks by status
-- and method, no text is made, and of a busy series only some requests are measured (sampling.lua).

local cells = require "ingress.metrics.cells"
local ffi = require "ffi"
local get_request = require("resty.core.base").get_request
local layouts = require "ingress.metrics.layout"
local sampling = require "ingress.metrics.sampling"
local series_registry = require "ingress.metrics.series"
local stats = require "ingress.metrics.stats"
local writer = require "ingress.metrics.writer"

local C = ffi.C
local floor = math.floor
local format = string.format
local ngx_time = ngx.time
local ngx_var = ngx.var
local read_stats = stats.read

local dictionary = ngx.shared.resty_ingress_metrics

local EPOCH, REQUESTS = layouts.EPOCH, layouts.REQUESTS
-- More than any method's number.
local METHODS = 2 ^ 20
-- A client may send any word as method.
local OTHER_METHOD = "_OTHER"
-- Of a record for all hosts.
local ANY_HOST = "_"
local MOST_UNDEFINED_HOSTS = 1000
-- With the names (series.lua), four times the dictionary.
local BYTES_PER_DICTIONARY_BYTE = 3

ffi.cdef [[
int ngx_http_lua_ffi_get_resp_status(ngx_http_request_t *request);
int ngx_http_lua_ffi_req_get_method(ngx_http_request_t *request);
]]

local METHOD_NAMES = {}
for _, name in ipairs({ "GET", "HEAD", "POST", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "OPTIONS",
    "PROPFIND", "PROPPATCH", "LOCK", "UNLOCK", "PATCH", "TRACE" }) do
    METHOD_NAMES[ngx["HTTP_" .. name]] = name
end

local _M = {
    enabled = false,
    -- What requests to hosts without a record count in; nil: in nothing.
    undefined = nil,
}

local options, layout, memory, registry, numbers, add, weigh
local stripe = 0


--- In the master, at each load of the configuration.
-- @param wanted nil: requests are not counted; else {time, length, size, per_host, undefined_hosts,
--               status_classes, sampling}: bounds as in layout.lua, and flags
function _M.configure(wanted)
    _M.enabled = wanted ~= nil
    options = wanted
    if not wanted then
        return
    end
    local name = ngx.md5(format("%s|%s|%s", table.concat(wanted.time, ","),
        table.concat(wanted.length, ","), table.concat(wanted.size, ","))):sub(1, 8)
    layout = layouts.new(wanted)
    memory = cells.open(name, layout, BYTES_PER_DICTIONARY_BYTE * dictionary:capacity())
    registry = series_registry.new(name, memory)
    numbers = memory.numbers
    add = writer.compile(layout, numbers)
    weigh = wanted.sampling and sampling.weight or sampling.always
    _M.undefined = wanted.undefined_hosts and _M.series(ANY_HOST) or nil
end


--- In each worker, at its start.
function _M.enter()
    if memory then
        stripe = (ngx.worker.id() or 0) % memory.stripes
    end
end


--- What requests to a route count in, as an opaque value; nil when requests are not counted.
-- @param host   of the record
-- @param route  its record, nil: no route of the host matched
-- @param canary name of the upstream when it is not that of the route itself
function _M.series(host, route, canary)
    if not options then
        return nil
    end
    local origin = route and route.origin or {}
    return {
        by_host = options.undefined_hosts and host == ANY_HOST and {} or nil,
        host = options.per_host and host or "",
        namespace = origin.namespace or "",
        ingress = origin.name or "",
        service = origin.service or "",
        canary = canary or "",
        path = route and route.path or "",
    }
end


-- A host that no record names gets series of its own only as long as there are few: clients choose
-- these names.
local function admits(host)
    local key = "undefined/" .. host
    if dictionary:get(key) then
        return true
    end
    return (dictionary:get("undefined") or 0) < MOST_UNDEFINED_HOSTS
        and dictionary:safe_add(key, true)
        and dictionary:incr("undefined", 1, 0) <= MOST_UNDEFINED_HOSTS
end


-- The same series, under the name that the client used.
local function of_undefined_host(series)
    local by_host, host = series.by_host, ngx_var.host
    local own = by_host[host]
    if not own then
        host = admits(host) and host or series_registry.OTHER
        own = by_host[host] or { host = host }
        for _, name in ipairs({ "namespace", "ingress", "service", "canary", "path" }) do
            own[name] = series[name]
        end
        by_host[host] = own
    end
    return own
end


local function status_label(status)
    if options.status_classes then
        return format("%dxx", floor(status / 100))
    end
    return format("%03d", status)
end


local function add_block(series, key, status, method)
    local labels = { series.host, series.namespace, series.ingress, series.service, series.canary,
        series.path, METHOD_NAMES[method] or OTHER_METHOD, status_label(status) }
    local block = registry:block(labels, status, stripe)
    block.samples = sampling.new()
    series[key] = block
    return block
end


-- False when the block has changed hands since.
local function write(block, weight)
    local at = block.at
    memory:lock(stripe)
    local is_ours = numbers[at + EPOCH] == block.epoch
    if is_ours then
        numbers[at + REQUESTS] = numbers[at + REQUESTS] + 1
        if weight > 0 then
            add(at, weight)
        end
    end
    memory:unlock(stripe)
    return is_ours
end


--- Counts the current request, in its log phase.
-- @param series of `_M.series`
function _M.count(series)
    if series.by_host then
        series = of_undefined_host(series)
    end
    local request = get_request()
    local status = C.ngx_http_lua_ffi_get_resp_status(request)
    local method = C.ngx_http_lua_ffi_req_get_method(request)
    local key = status * METHODS + method
    local block = series[key] or add_block(series, key, status, method)
    local weight = weigh(block.samples, ngx_time())
    if weight > 0 then
        read_stats(request)
    end
    if not write(block, weight) then
        write(add_block(series, key, status, method), weight)
    end
end


--- What there is to read: {options, layout, memory, registry}; nil when requests are not counted.
function _M.source()
    return options and { options = options, layout = layout, memory = memory, registry = registry }
end


return _M
