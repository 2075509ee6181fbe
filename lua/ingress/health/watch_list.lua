-- The backends whose records have a `health_check`, and their endpoints: what the prober checks.
-- Kept up to date by the keys of the records that change.

local ejection = require "ingress.health.ejection"
local store = require "ingress.store"

local find = string.find
local monotonic_time = require("resty.core.time").monotonic_time
local pairs = pairs
local random = math.random
local sub = string.sub

local KIND = "backend/"
local MEMBER = '"health_check"'

local records = ngx.shared.resty_ingress_records

local _M = {}

-- Key of a backend -> {check, items: {id -> item}}. An item: {id, backend, host, port}, what the
-- last checks said {good, bad, failed, reason}, and, for the prober, {next_time, pending}.
local watched = {}
-- Keys of backends whose records changed since the last update; all: rescan.
local changed = {}
local rescan = false


local function new_item(key, endpoint, check)
    local reason = ejection.why_unhealthy(key, endpoint.id)
    return {
        id = endpoint.id,
        host = endpoint.host,
        port = check.port or endpoint.port,
        backend = key,
        next_time = monotonic_time() + random() * check.interval,
        good = 0,
        bad = 0,
        reason = reason,
        failed = reason ~= nil,
    }
end


local function forget(item)
    ejection.set_unhealthy(item.backend, item.id, nil)
end


-- Endpoints that stay keep what is known of them.
local function items_of(key, backend, before)
    local items, check = {}, backend.health_check
    for _, endpoint in ipairs(backend.endpoints) do
        local id = endpoint.id
        items[id] = before[id] or new_item(key, endpoint, check)
        items[id].port = check.port or endpoint.port
    end
    return items
end


-- The compiled record when it has a check; most records are not even decoded.
local function checked_backend(key)
    local text = records:get(key)
    local backend = text and find(text, MEMBER, 1, true) and store.lookup("backend", key)
    return backend and backend.health_check and backend
end


local function follow(key)
    local backend = checked_backend(key)
    local before = watched[key] and watched[key].items or {}
    local items = backend and items_of(key, backend, before) or {}
    for id, item in pairs(before) do
        if not items[id] then
            forget(item)
        end
    end
    watched[key] = backend and { check = backend.health_check, items = items } or nil
end


-- Verdicts of the last prober on what is not checked any more.
local function sweep()
    local _, unhealthy = ejection.read()
    for key, reasons in pairs(unhealthy) do
        local items = watched[key] and watched[key].items or {}
        for id in pairs(reasons) do
            if not items[id] then
                ejection.set_unhealthy(key, id, nil)
            end
        end
    end
end


local function follow_all()
    local keys = {}
    for key in pairs(watched) do
        keys[key] = true
    end
    for _, key in ipairs(records:get_keys(0)) do
        if sub(key, 1, #KIND) == KIND then
            keys[key] = true
        end
    end
    for key in pairs(keys) do
        follow(key)
    end
    sweep()
end


--- Brings the list up to date with the records.
function _M.update()
    store.refresh()
    local keys = changed
    changed = {}
    if rescan then
        rescan = false
        return follow_all()
    end
    for key in pairs(keys) do
        follow(key)
    end
end


--- Key of a backend -> {check, items}.
function _M.all()
    return watched
end


--- The check of an item; nil when it is not asked for any more.
function _M.check_of(item)
    local backend = watched[item.backend]
    return backend and backend.items[item.id] == item and backend.check or nil
end


--- Nothing is known any more: the next update looks at all records.
function _M.reset()
    watched, changed, rescan = {}, {}, true
end


--- The record under this key changed; nil: any may have.
function _M.note(key)
    if not key then
        rescan = true
    elseif sub(key, 1, #KIND) == KIND then
        changed[key] = true
    end
end


return _M
