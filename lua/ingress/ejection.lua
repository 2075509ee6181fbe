-- Which endpoints get no requests, as all workers know it.
--
-- Health dictionary:  ejected/<id>              until when, how many times now, why
--                     times/<id>                how many times, kept for a while after it is back
--                     probe/<id>                the worker whose request tries it again
--                     unhealthy/<backend> <id>  why: a check of the backend failed (prober.lua)
--                     version                   of all this
-- Page (change_counter.lua), place 1: the version, for every worker to compare

local counters = require "ingress.counters"
local page = require "ingress.change_counter"

local format = string.format
local match = string.match
local min = math.min
local ngx_now = ngx.now
local tonumber = tonumber

local PLACE = 1
-- Longer than most tries, shorter than the life of a worker: one that dies frees its probes so.
local PROBE_SECONDS = 120

local dictionary = ngx.shared.resty_ingress_health

local _M = {}


-- What is written before is there for who sees the new version, and no two changes have the same.
local function announce()
    page[PLACE] = dictionary:incr("version", 1, 0)
end


function _M.version()
    return page[PLACE]
end


local function write(store, id, entry, rules)
    local text = format("%.3f %d %s", entry.until_time, entry.times, entry.reason)
    local memory = entry.until_time - ngx_now() + rules.max_time
    return store(dictionary, "ejected/" .. id, text, memory)
end


--- Ejects an endpoint, for longer each time: `time` seconds, twice that, and so on to `max_time`.
-- @param rules {time, max_time} seconds
-- @param again it was ejected, and its probe failed
function _M.eject(id, reason, rules, again)
    local times = (dictionary:get("times/" .. id) or 0) + 1
    local seconds = min(rules.time * times, rules.max_time)
    local entry = { until_time = ngx_now() + seconds, times = times, reason = reason }
    if not write(again and dictionary.set or dictionary.add, id, entry, rules) then
        return
    end
    dictionary:set("times/" .. id, times, seconds + rules.max_time)
    dictionary:delete("probe/" .. id)
    counters.add("ejections")
    announce()
    ngx.log(ngx.WARN, "endpoint ", id, " is ejected for ", seconds, " s: ", reason)
end


--- The probe told nothing: the next comes after another `time` seconds.
function _M.postpone(id, rules)
    local entry = _M.parse(dictionary:get("ejected/" .. id))
    if entry then
        entry.until_time = ngx_now() + rules.time
        write(dictionary.set, id, entry, rules)
    end
    dictionary:delete("probe/" .. id)
    announce()
end


--- The probe succeeded.
function _M.readmit(id)
    dictionary:delete("ejected/" .. id)
    dictionary:delete("probe/" .. id)
    announce()
    ngx.log(ngx.NOTICE, "endpoint ", id, " is back")
end


--- Another process may get this address: nothing is known of that one.
function _M.forget(id)
    dictionary:delete("ejected/" .. id)
    dictionary:delete("times/" .. id)
    dictionary:delete("probe/" .. id)
    announce()
end


--- Whether the request at hand is the one that probes this endpoint.
function _M.claim_probe(id)
    local claimed = dictionary:add("probe/" .. id, ngx.worker.pid(), PROBE_SECONDS)
    if claimed then
        counters.add("ejection_probes")
    end
    return claimed
end


--- The result of active checks.
-- @param reason nil: healthy
-- @param memory seconds after which a result that nobody repeats is forgotten
function _M.set_unhealthy(backend, id, reason, memory)
    local key = "unhealthy/" .. backend .. " " .. id
    local known = dictionary:get(key)
    if reason then
        dictionary:set(key, reason, memory)
    elseif known then
        dictionary:delete(key)
    end
    if (known == nil) ~= (reason == nil) then
        announce()
    end
end


--- The reason that the last check gave; nil: healthy.
function _M.why_unhealthy(backend, id)
    return dictionary:get("unhealthy/" .. backend .. " " .. id)
end


--- {until_time, times, reason} of a stored text; nil of nil.
function _M.parse(text)
    local until_time, times, reason = match(text or "", "^(%S+) (%d+) (%S+)$")
    return until_time and {
        until_time = tonumber(until_time),
        times = tonumber(times),
        reason = reason,
    }
end


--- All of it: {id: {until_time, times, reason, probing}}, {backend: {id: reason}}.
function _M.read()
    local ejected, unhealthy = {}, {}
    for _, key in ipairs(dictionary:get_keys(0)) do
        local kind, rest = match(key, "^(%a+)/(.+)$")
        if kind == "ejected" then
            ejected[rest] = _M.parse(dictionary:get(key))
        elseif kind == "unhealthy" then
            local backend, id = match(rest, "^(%S+) (.+)$")
            unhealthy[backend] = unhealthy[backend] or {}
            unhealthy[backend][id] = dictionary:get(key)
        end
    end
    return ejected, unhealthy
end


function _M.is_probed(id)
    return dictionary:get("probe/" .. id) ~= nil
end


return _M
