-- Active checks: one worker of all asks the endpoints of the backends that have a `health_check`.
-- What it finds goes to all by ejection.lua.
--
-- Health dictionary:  prober  the process that checks; another takes over when it does not say so
--                             again within LEASE seconds

local check_queue = require "ingress.health.check_queue"
local counters = require "ingress.counters"
local ejection = require "ingress.health.ejection"
local faults = require "ingress.faults"
local http_check = require "ingress.health.http_check"
local record_key = require "ingress.pure.record_key"
local store = require "ingress.store"

local backend_parts = record_key.backend_parts
local find = string.find
local ngx_now = ngx.now
local pairs = pairs
local pcall = pcall
local random = math.random
local sub = string.sub

local TICK = 1
local LEASE = 3
local KEY = "prober"
local KIND = "backend/"
local MEMBER = '"health_check"'
-- A result that nobody repeats is forgotten after so many intervals.
local MEMORY = 3

local dictionary = ngx.shared.resty_ingress_health
local records = ngx.shared.resty_ingress_records

local _M = {}

local leading = false
-- Backend -> {check, items: {id -> item}}. An item: {id, backend, host, port}, what the last checks
-- said {good, bad, failed, reason}, and {next_time, pending}.
local watched = {}
-- Keys of backends whose records changed since the last tick; all: rescan.
local changed = {}
local rescan = false
local queue = check_queue.new()


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


-- The check of an item; nil when it is not asked for any more.
local function check_of(item)
    local backend = watched[item.backend]
    return backend and backend.items[item.id] == item and backend.check or nil
end


local function check_now(item)
    local check = check_of(item)
    if not check then
        return
    end
    local reason = http_check.failure(item.host, item.port, check)
    counters.add("health_checks")
    if check_of(item) then
        settle(item, check, reason)
    end
end


local start_next


local function run(premature, item, line)
    local ok, err = true, nil
    if not premature then
        ok, err = pcall(check_now, item)
    end
    if not ok then
        faults.report(err, item.backend)
    end
    item.pending = false
    queue:finish(line)
    if leading then
        start_next()
    end
end


function start_next()
    local item, line = queue:take()
    while item do
        local ok, err = ngx.timer.at(0, run, item, line)
        if not ok then
            item.pending = false
            queue:finish(line)
            ngx.log(ngx.ERR, "a health check cannot start: ", err)
            return
        end
        item, line = queue:take()
    end
end


-- One that is further away than an interval can be was planned before the clock was put back.
local function is_due(item, now, interval)
    return item.next_time <= now or item.next_time > now + 2 * interval
end


local function queue_due()
    local now = ngx_now()
    for key, backend in pairs(watched) do
        local interval, namespace = backend.check.interval, backend_parts(key)
        for _, item in pairs(backend.items) do
            if not item.pending and is_due(item, now, interval) then
                item.pending = true
                item.next_time = now + interval * (0.9 + 0.2 * random())
                queue:push(namespace, item)
            end
        end
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
    leading = false
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
        queue:refill()
        queue_due()
        start_next()
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
