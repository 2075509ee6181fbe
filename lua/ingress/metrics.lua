-- Counts requests: how many, how long, how large, by the labels of ingress-nginx.
--
-- Each request of a location with a log phase comes here, so what it costs is measured: the series
-- of a route keeps its blocks by status and method, and no text is made.

local cells = require "ingress.metrics.cells"
local ffi = require "ffi"
local get_request = require("resty.core.base").get_request
local layouts = require "ingress.metrics.layout"
local series_registry = require "ingress.metrics.series"
local stats = require "ingress.metrics.stats"
local writer = require "ingress.metrics.writer"

local C = ffi.C
local floor = math.floor
local format = string.format
local read_stats = stats.read

local dictionary = ngx.shared.resty_ingress_metrics

local EPOCH = layouts.EPOCH
-- More than any method's number.
local METHODS = 2 ^ 20
-- A client may send any word as method.
local OTHER_METHOD = "_OTHER"
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

local _M = { enabled = false }

local options, layout, memory, registry, numbers, add
local stripe = 0


--- In the master, at each load of the configuration.
-- @param wanted nil: requests are not counted; else {time, length, size, per_host, undefined_hosts,
--               status_classes}: bounds as in layout.lua, and flags of ingress-nginx
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
        host = options.per_host and host or "",
        namespace = origin.namespace or "",
        ingress = origin.name or "",
        service = origin.service or "",
        canary = canary or "",
        path = route and route.path or "",
    }
end


--- What a request to a host that nobody defined counts in; nil: in nothing.
function _M.undefined_series()
    return nil
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
    local block = registry:block(labels, stripe)
    series[key] = block
    return block
end


-- False when the block has changed hands since.
local function write(block)
    local at = block.at
    memory:lock(stripe)
    local is_ours = numbers[at + EPOCH] == block.epoch
    if is_ours then
        add(at)
    end
    memory:unlock(stripe)
    return is_ours
end


--- Counts the current request, in its log phase.
-- @param series of `_M.series`
function _M.count(series)
    local request = get_request()
    local status = C.ngx_http_lua_ffi_get_resp_status(request)
    local method = C.ngx_http_lua_ffi_req_get_method(request)
    local key = status * METHODS + method
    local block = series[key] or add_block(series, key, status, method)
    read_stats(request)
    if not write(block) then
        write(add_block(series, key, status, method))
    end
end


--- What there is to read: {layout, memory, registry}; nil when requests are not counted.
function _M.source()
    return options and { layout = layout, memory = memory, registry = registry }
end


return _M
