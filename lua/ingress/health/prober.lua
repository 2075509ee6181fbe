-- Active checks: one worker of all asks the endpoints of the backends that have a `health_check`.
-- What it finds goes to all by ejection.lua.
--
-- Health dictionary:  prober       the process that checks; another takes over when it is gone, or
--                                  does not say so again within LEASE seconds
--                     prober/heir  who takes over from one that is gone

local check_queue = require "ingress.health.check_queue"
local counters = require "ingress.counters"
local ejection = require "ingress.health.ejection"
local faults = require "ingress.faults"
local http_check = require "ingress.health.http_check"
local process = require "ingress.process"
local record_key = require "ingress.pure.record_key"
local store = require "ingress.store"
local watch_list = require "ingress.health.watch_list"

local backend_parts = record_key.backend_parts
local monotonic_time = require("resty.core.time").monotonic_time
local pairs = pairs
local pcall = pcall
local random = math.random

local TICK = 1
-- A worker that is held up for some seconds goes on: there would be two.
local LEASE = 10
local KEY = "prober"
local HEIR = KEY .. "/heir"
-- A result that nobody repeats is forgotten after so many intervals.
local MEMORY = 3

local dictionary = ngx.shared.resty_ingress_health

local _M = {}

local leading = false
local queue = check_queue.new()


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


local function check_now(item)
    local check = watch_list.check_of(item)
    if not check then
        return
    end
    local reason = http_check.failure(item.host, item.port, check)
    counters.add("health_checks")
    if watch_list.check_of(item) then
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


local function queue_due()
    local now = monotonic_time()
    for key, backend in pairs(watch_list.all()) do
        local interval, namespace = backend.check.interval, backend_parts(key)
        for _, item in pairs(backend.items) do
            if not item.pending and item.next_time <= now then
                item.pending = true
                item.next_time = now + interval * (0.9 + 0.2 * random())
                queue:push(namespace, item)
            end
        end
    end
end


-- Of several that find it gone one takes over.
local function inherits(holder, pid)
    return not process.is_alive(holder) and dictionary:add(HEIR, pid, TICK)
end


local function hold_lease()
    local pid = ngx.worker.pid()
    local holder = dictionary:get(KEY)
    if not holder then
        return dictionary:add(KEY, pid, LEASE)
    end
    return (holder == pid or inherits(holder, pid)) and dictionary:set(KEY, pid, LEASE)
end


local function give_up()
    leading = false
    if dictionary:get(KEY) == ngx.worker.pid() then
        dictionary:delete(KEY)
    end
end


local function tick(premature)
    if premature then
        return give_up()
    end
    local holds = hold_lease() or false
    if holds ~= leading then
        leading = holds
        watch_list.reset()
    end
    if leading then
        watch_list.update()
        queue:refill()
        queue_due()
        start_next()
    end
end


-- Called by the store for each key that changed; nil: any may have.
local function note(key)
    if leading then
        watch_list.note(key)
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
