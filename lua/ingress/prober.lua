-- Active checks: one worker of all asks the endpoints of the backends that have a `health_check`.
-- What it finds goes to all by ejection.lua.
--
-- Health dictionary:  prober  the process that checks; another takes over when it does not say so
--                             again within LEASE seconds

local counters = require "ingress.counters"
local ejection = require "ingress.ejection"
local http_check = require "ingress.http_check"
local store = require "ingress.store"

local find = string.find
local ngx_now = ngx.now
local pairs = pairs
local random = math.random
local sort = table.sort
local sub = string.sub

local TICK = 1
local LEASE = 3
local KEY = "prober"
local KIND = "backend/"
local MEMBER = '"health_check"'
-- Below the 256 timers that NGINX lets run at a time.
local MOST_AT_ONCE = 64
-- A result that nobody repeats is forgotten after so many intervals.
local MEMORY = 3

local dictionary = ngx.shared.resty_ingress_health
local records = ngx.shared.resty_ingress_records

local _M = {}

local leading = false
-- Backend -> {check, items: {id -> item}}. An item: {id, backend, host, port}, what the last checks
-- said {good, bad, failed, reason}, {next_time, running}, and {gone} when it is no more checked.
local watched = {}
-- Keys of backends whose records changed since the last tick; all: rescan.
local changed = {}
local rescan = false
local running = 0


local function new_item(key, endpoint, check)
    local reason = ejection.why_unhealthy(key, endpoint.id)
    return {
        id = endpoint.id,
        host = endpoint.host,
        port = check.port or endpoint.port,
        backend = key,
        next_time = ngx_now() + random() * check.interval,
        good = 0,
        bad = 0,
        reason = reason,
        failed = reason ~= nil,
    }
end


local function forget(item)
    item.gone = true
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


local function take_over_changes()
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


local function settle(item, check, reason)
    local was_good = not item.failed
    item.good = reason and 0 or item.good + 1
    item.bad = reason and item.bad + 1 or 0
    item.reason = reason or item.reason
    if was_good then
        item.failed = item.bad >= check.unhealthy
    else
        item.failed = item.good < check.healthy
    end
    if item.failed or not was_good then
        ejection.set_unhealthy(item.backend, item.id, item.failed and item.reason or nil,
            check.interval * MEMORY + check.timeout)
    end
end


local function run(premature, item, check)
    if not premature and not item.gone then
        local reason = http_check.failure(item.host, item.port, check)
        counters.add("health_checks")
        if not item.gone then
            settle(item, check, reason)
        end
    end
    item.running = false
    running = running - 1
end


local function due_items()
    local now, due = ngx_now(), {}
    for _, backend in pairs(watched) do
        for _, item in pairs(backend.items) do
            if not item.running and item.next_time <= now then
                due[#due + 1] = item
            end
        end
    end
    sort(due, function(a, b)
        return a.next_time < b.next_time
    end)
    return due
end


-- Those that find no room wait for the next tick, and are the first then.
local function start_due()
    for _, item in ipairs(due_items()) do
        if running >= MOST_AT_ONCE then
            return
        end
        local check = watched[item.backend].check
        local ok, err = ngx.timer.at(0, run, item, check)
        if not ok then
            ngx.log(ngx.ERR, "a health check cannot start: ", err)
            return
        end
        running = running + 1
        item.running = true
        item.next_time = ngx_now() + check.interval * (0.9 + 0.2 * random())
    end
end


local function hold_lease()
    local pid = ngx.worker.pid()
    local holder = dictionary:get(KEY)
    if holder == pid then
        return dictionary:set(KEY, pid, LEASE)
    end
    return holder == nil and dictionary:add(KEY, pid, LEASE)
end


local function give_up()
    if dictionary:get(KEY) == ngx.worker.pid() then
        dictionary:delete(KEY)
    end
end


local function begin_or_stop(holds)
    leading, rescan = holds, holds
    if not holds then
        watched, changed = {}, {}
    end
end


local function tick(premature)
    if premature then
        return give_up()
    end
    local holds = hold_lease() or false
    if holds ~= leading then
        begin_or_stop(holds)
    end
    if leading then
        take_over_changes()
        start_due()
    end
end


-- Called by the store for each key that changed; nil: any may have.
local function note(key)
    if not leading then
        return
    elseif not key then
        rescan = true
    elseif sub(key, 1, #KIND) == KIND then
        changed[key] = true
    end
end


--- In each worker, at its start.
function _M.start()
    store.on_change = note
    local ok, err = ngx.timer.every(TICK, tick)
    if not ok then
        error("no health checks: " .. err)
    end
end


return _M
