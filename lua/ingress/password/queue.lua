-- Checks that take long, in threads, while the worker serves others. How many may wait is bounded:
-- in all, for each record, so that who guesses at one does not keep out the users of others, and
-- for each client. Equal checks are made once: a browser asks for many things at a time.

local counters = require "ingress.counters"
local faults = require "ingress.faults"
local semaphore = require "ngx.semaphore"

local pcall = pcall
-- Absent from an NGINX that was built without threads.
local run_worker_thread = rawget(ngx, "run_worker_thread")

-- As openresty/start names it, and how many threads it has.
local POOL = "passwords"
local THREADS = 2
local MOST = 64
local MOST_OF_RECORD = 16
local MOST_OF_CLIENT = 4
local TOO_MANY_REQUESTS = 429
local UNAVAILABLE = 503
-- Seconds; all that may wait before are done sooner, if the machine has any time for them.
local PATIENCE = 30

local _M = {}

-- Tag -> check that is under way.
local checks = {}
local count = 0
local of_record, of_client = {}, {}
-- From `first` to `last`: those that no thread has taken yet.
local waiting, first, last = {}, 1, 0
local runners = 0


local function add(counts, name, change)
    local value = (counts[name] or 0) + change
    counts[name] = value > 0 and value or nil
end


local function account(check, change)
    count = count + change
    add(of_record, check.record, change)
    add(of_client, check.client, change)
end


local function in_thread(check)
    if not run_worker_thread then
        return false, "this NGINX has no threads for Lua"
    end
    return run_worker_thread(POOL, "ingress.password.hashing", "matches_in_thread",
        check.password, check.hash)
end


-- true, false, or nil and what is wrong.
local function run(check)
    local ok, done, result, err = pcall(in_thread, check)
    if not ok then
        return nil, done
    elseif not done then
        return nil, result
    end
    return result, err
end


local function finish(check, result, err)
    check.result = result
    if result == nil then
        faults.log("a password cannot be checked: " .. err, check.record)
    end
    checks[check.tag] = nil
    account(check, -1)
    check.done:post(check.askers)
end


-- In a timer: it does not end when the client that asked does.
local function work()
    while first <= last do
        local check = waiting[first]
        waiting[first] = nil
        first = first + 1
        finish(check, run(check))
    end
    runners = runners - 1
end


local function start_runner()
    if runners >= THREADS then
        return true
    end
    local ok, err = ngx.timer.at(0, work)
    if ok then
        runners = runners + 1
    end
    return runners > 0, err
end


-- The status of a client for whom there is no room; nil: there is.
local function refusal(check)
    if (of_client[check.client] or 0) >= MOST_OF_CLIENT then
        return TOO_MANY_REQUESTS
    end
    if count >= MOST or (of_record[check.record] or 0) >= MOST_OF_RECORD then
        return UNAVAILABLE
    end
end


local function enqueue(check)
    local status = refusal(check)
    if status then
        counters.add("password_checks_refused")
        return nil, status
    end
    local ok, err = start_runner()
    if not ok then
        faults.log("passwords cannot be checked: " .. err, check.record)
        return nil, UNAVAILABLE
    end
    check.done, check.askers = semaphore.new(), 0
    checks[check.tag] = check
    account(check, 1)
    counters.add("password_checks")
    last = last + 1
    waiting[last] = check
    return check
end


--- Waits for the answer: true or false; nil and a status: there is none.
-- @param check {tag, password, hash, record, client}
function _M.ask(check)
    local pending, status = checks[check.tag]
    if not pending then
        pending, status = enqueue(check)
    end
    if not pending then
        return nil, status
    end
    pending.askers = pending.askers + 1
    local subject = faults.subject
    local ok = pending.done:wait(PATIENCE)
    faults.subject = subject
    if not ok or pending.result == nil then
        return nil, UNAVAILABLE
    end
    return pending.result
end


return _M
