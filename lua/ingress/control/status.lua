-- GET /v1/status, and the only place that knows what which NGINX version can do.

local answer = require "ingress.control.answer"
local ffi = require "ffi"
local generation = require "ingress.generation"
local journal = require "ingress.control.journal"
local lock = require "ingress.control.lock"
local record_file = require "ingress.control.record_file"
local restore = require "ingress.control.restore"

local floor = math.floor
local format = string.format

local DICTIONARIES = { "health", "metrics", "records", "state" }
local HTTP2_DIRECTIVE = 1025001
local KEEPALIVE_MIN_TIMEOUT = 1027004

local state = ngx.shared.resty_ingress_state

ffi.cdef [[
extern char ngx_http_brotli_filter_module;
extern char ngx_http_headers_more_filter_module;
extern char ngx_stream_lua_module;
extern char ngx_stream_module;
extern char ngx_stream_realip_module;
]]

local _M = { DICTIONARIES = DICTIONARIES }


local function dotted(number)
    return format("%d.%d.%d", floor(number / 1000000), floor(number / 1000) % 1000, number % 1000)
end


-- Modules are found by their symbol, however they came into the process.
local function has_module(symbol)
    return (pcall(function()
        return ffi.C[symbol]
    end))
end


-- Where the kernel has no IPv6, listening on [::] is an error.
local function has_ipv6()
    local file = io.open("/proc/net/if_inet6")
    if file then
        file:close()
    end
    return file ~= nil
end


local function capabilities()
    local version = ngx.config.nginx_version
    return {
        http2_directive = version >= HTTP2_DIRECTIVE,
        keepalive_min_timeout = version >= KEEPALIVE_MIN_TIMEOUT,
        headers_more = has_module("ngx_http_headers_more_filter_module"),
        brotli = has_module("ngx_http_brotli_filter_module"),
        stream = has_module("ngx_stream_module"),
        stream_lua = has_module("ngx_stream_lua_module"),
        stream_realip = has_module("ngx_stream_realip_module"),
        ipv6 = has_ipv6(),
    }
end


local function usage(dictionary)
    local capacity, free = dictionary:capacity(), dictionary:free_space()
    return {
        capacity = capacity,
        free = free,
        used = floor((1 - free / capacity) * 1000 + 0.5) / 1000,
    }
end


--- Name of each of DICTIONARIES -> {capacity, free, used}: bytes, bytes, and a share.
function _M.dictionaries()
    local usages = {}
    for _, name in ipairs(DICTIONARIES) do
        usages[name] = usage(ngx.shared["resty_ingress_" .. name])
    end
    return usages
end


--- GET /v1/status
function _M.get()
    local newest = generation.newest()
    local able = capabilities()
    return answer.ok({
        instance = state:get("instance"),
        generation = newest.number,
        config_hash = newest.hash,
        revision = journal.revision(),
        reloading = lock.is_held("reload"),
        workers = newest.workers,
        worker_count = newest.worker_count,
        nginx = {
            version = dotted(ngx.config.nginx_version),
            lua = dotted(ngx.config.ngx_lua_version),
        },
        capabilities = able,
        loss_free_reload = able.keepalive_min_timeout,
        dictionaries = _M.dictionaries(),
        restored = restore.status(),
        record_file = record_file.status(),
    })
end


return _M
