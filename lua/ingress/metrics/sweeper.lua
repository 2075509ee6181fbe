-- Ends the series of hosts and routes that are gone. It looks before a scrape, when records of
-- hosts have changed since the last time: whoever does not scrape does not see the difference.

local cjson = require "cjson"
local journal = require "ingress.control.journal"
local lock = require "ingress.control.lock"
local pacing = require "ingress.pacing"
local series_registry = require "ingress.metrics.series"
local store = require "ingress.store"
local upstream_name = require("ingress.balance.target").upstream_name

local match = string.match

local LOCK = "metrics"
local OTHER = series_registry.OTHER
-- How many records or series are looked at before others have their turn.
local AT_ONCE = 32

local dictionary = ngx.shared.resty_ingress_metrics

local _M = {}


local function host_keys()
    local keys = {}
    for _, key in ipairs(journal.keys()) do
        if match(key, "^host/") then
            keys[#keys + 1] = key
        end
    end
    return keys
end


local function rest(count)
    if count % AT_ONCE == 0 then
        pacing.rest()
    end
end


local function add_route(known, host, route)
    local origin = route.origin
    local labels = { host, origin.namespace, origin.name, origin.service, "", route.path }
    known[cjson.encode(labels)] = true
    for _, arm in ipairs(route.canaries or {}) do
        labels[5] = upstream_name(arm.backend)
        known[cjson.encode(labels)] = true
    end
end


-- The subjects of all series that there may be, and the hosts.
local function known_subjects(keys, per_host)
    local known, hosts = {}, { [OTHER] = true }
    for i, key in ipairs(keys) do
        local name = match(key, "[^/]*$")
        local record = store.read(key)
        local host = per_host and name or ""
        hosts[host] = true
        known[cjson.encode({ host, "", "", "", "", "" })] = true
        for _, route in ipairs(record and record.routes or {}) do
            add_route(known, host, route)
        end
        rest(i)
    end
    return known, hosts
end


local function sweep(registry, options)
    local known, hosts = known_subjects(host_keys(), options.per_host)
    local count, removed = 0, false
    for id, text in registry:each() do
        local labels = cjson.decode(text)
        local host = labels[1]
        local is_kept = host == OTHER or known[series_registry.subject(labels)]
            or options.undefined_hosts and not hosts[host]
        if not is_kept then
            registry:remove(id, text)
            removed = true
        end
        count = count + 1
        rest(count)
    end
    if removed then
        registry:reopen()
    end
end


--- @param options of `metrics.configure`
function _M.run(registry, options)
    local current = journal.host_changes()
    if dictionary:get("swept") == current or not lock.acquire(LOCK) then
        return
    end
    local ok, err = pcall(sweep, registry, options)
    if ok then
        dictionary:safe_set("swept", current)
    else
        ngx.log(ngx.ERR, "metrics: ", err)
    end
    lock.release(LOCK)
end


return _M
