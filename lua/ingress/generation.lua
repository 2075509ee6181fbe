-- Which configuration this worker runs, and what all workers reported about theirs.
--
-- State dictionary:  instance          one start of the master
--                    generation        number of the newest configuration that has workers
--                    load/<id>         its number: each load of a configuration has an id
--                    load              the id of the newest
--                    worker_count
--                    accepting/<pid>   there while the worker takes new connections
--                    worker/<id>       pid, generation, hash, revision of the worker in this place

local process = require "ingress.process"

local format = string.format
local match = string.match
local tonumber = tonumber

-- Of the timer that is only there to be cancelled, in seconds.
local LONG = 86400

local state = ngx.shared.resty_ingress_state

local _M = {
    hash = "",
    number = 0,
}

local classes = {}
local load_id


--- In the master, before its first load: numbers go on where an earlier start of it was.
function _M.continue(number)
    if number then
        state:add("generation", number - 1)
    end
end


--- In the master, at each load: workers inherit it. True at the first one.
function _M.declare(hash, class_names)
    _M.hash = hash
    classes = {}
    for _, name in ipairs(class_names) do
        classes[name] = true
    end
    load_id = process.random_id()
    return (state:add("instance", process.random_id()))
end


--- Whether the configuration of this worker has that location class.
function _M.has_class(name)
    return classes[name] == true
end


local function report(revision)
    state:set("worker/" .. ngx.worker.id(), format("%d %d %s %d",
        ngx.worker.pid(), _M.number, _M.hash, revision))
end


-- Timers are cancelled when the worker has closed its listening sockets to shut down.
local function leave(cancelled)
    if cancelled then
        state:delete("accepting/" .. ngx.worker.pid())
    end
end


--- In each worker, at its start. The first worker of a load counts it: a configuration that the
-- master refused, even late, never has a worker.
function _M.enter()
    local candidate = (state:get("generation") or 0) + 1
    if state:add("load/" .. load_id, candidate) then
        state:set("worker_count", ngx.worker.count())
        state:set("generation", candidate)
        -- No worker of an older load starts any more.
        state:delete("load/" .. (state:get("load") or ""))
        state:set("load", load_id)
    end
    _M.number = state:get("load/" .. load_id)
    report(0)
    state:set("accepting/" .. ngx.worker.pid(), true)
    ngx.timer.every(LONG, leave)
end


--- A worker that shuts down has lost its place to one of the new generation.
function _M.report_revision(revision)
    if not ngx.worker.exiting() and (state:get("generation") or 0) <= _M.number then
        report(revision)
    end
end


local function read_worker(id)
    local pid, number, hash, revision =
        match(state:get("worker/" .. id) or "", "^(%d+) (%d+) (%S*) (%d+)$")
    return pid and {
        pid = tonumber(pid),
        generation = tonumber(number),
        config_hash = hash,
        revision = tonumber(revision),
    }
end


-- The living workers of the newest generation: array of {pid, generation, config_hash, revision}.
local function living_workers()
    local newest = state:get("generation")
    local workers = {}
    for id = 0, (state:get("worker_count") or 0) - 1 do
        local worker = read_worker(id)
        if worker and worker.generation == newest and process.is_alive(worker.pid) then
            workers[#workers + 1] = worker
        end
    end
    return workers
end


--- Whether one of these workers may still take new connections: a master lets the old ones go on
-- for a moment when the new ones are there.
function _M.any_accepts(workers)
    for _, worker in ipairs(workers) do
        if state:get("accepting/" .. worker.pid) and process.is_alive(worker.pid) then
            return true
        end
    end
    return false
end


--- {number, hash, workers, worker_count, complete}: complete when every worker has reported.
function _M.newest()
    local workers = living_workers()
    local count = state:get("worker_count")
    return {
        number = state:get("generation"),
        hash = workers[1] and workers[1].config_hash,
        workers = workers,
        worker_count = count,
        complete = #workers == count,
    }
end


return _M
