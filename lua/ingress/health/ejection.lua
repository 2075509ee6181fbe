-- Which endpoints get no requests, as all workers know it.
--
-- Endpoints are those of a backend, so that nobody has a say in where the requests of others go by
-- naming their addresses as its own. A member is the text `<backend> <id>`.
--
-- Health dictionary, all but the version for a while (expiring.lua):
--                     ejected/<member>    until when, how many times now, why
--                     times/<member>      how many times, kept for a while after it is back
--                     probe/<member>      the worker whose request tries it again
--                     unhealthy/<member>  why: a check of the backend failed (prober.lua)
--                     version             of all this
-- Change counter:     HEALTH: the version, for every worker to compare

local change_counter = require "ingress.change_counter"
local counters = require "ingress.counters"
local expiring = require "ingress.expiring"

local format = string.format
local match = string.match
local min = math.min
local monotonic_time = require("resty.core.time").monotonic_time
local tonumber = tonumber

local HEALTH = change_counter.HEALTH
-- Longer than most tries, shorter than the life of a worker: one that dies frees its probes so.
local PROBE_SECONDS = 120

local changes = change_counter.values
local dictionary = ngx.shared.resty_ingress_health

local _M = {}


-- What is written before is there for who sees the new version, and no two changes have the same.
local function announce()
    changes[HEALTH] = dictionary:incr("version", 1, 0)
end


--- A number that is another one when something has changed.
function _M.version()
    return changes[HEALTH]
end


--- The name of an endpoint of a backend.
function _M.member(backend, id)
    return backend .. " " .. id
end


-- {until_time, times, reason} of a stored text; nil of nil.
local function parse(text)
    local until_time, times, reason = match(text or "", "^(%S+) (%d+) (%S+)$")
    return until_time and {
        until_time = tonumber(until_time),
        times = tonumber(times),
        reason = reason,
    }
end


local function write(store, member, entry, rules)
    local text = format("%.3f %d %s", entry.until_time, entry.times, entry.reason)
    local memory = entry.until_time - monotonic_time() + rules.max_time
    return store(dictionary, "ejected/" .. member, text, memory)
end


--- Ejects an endpoint, for longer each time: `time` seconds, twice that, and so on to `max_time`.
-- @param rules {time, max_time} seconds
-- @param again it was ejected, and its probe failed
function _M.eject(member, reason, rules, again)
    local times = (tonumber(expiring.get(dictionary, "times/" .. member)) or 0) + 1
    local seconds = min(rules.time * times, rules.max_time)
    local entry = { until_time = monotonic_time() + seconds, times = times, reason = reason }
    if not write(again and expiring.set or expiring.add, member, entry, rules) then
        return
    end
    expiring.set(dictionary, "times/" .. member, times, seconds + rules.max_time)
    dictionary:delete("probe/" .. member)
    counters.add("ejections")
    announce()
    ngx.log(ngx.WARN, "endpoint ", member, " is ejected for ", seconds, " s: ", reason)
end


--- The probe told nothing: the next comes later, or an endpoint that hangs would get one client
-- after the other. Who gave up soon decides little, or such clients could keep it out for ever.
-- @param waited seconds until the client gave up; nil: unknown
function _M.postpone(member, rules, waited)
    local entry = parse(expiring.get(dictionary, "ejected/" .. member))
    if entry then
        entry.until_time = monotonic_time() + min(waited or rules.time, rules.time)
        write(expiring.set, member, entry, rules)
    end
    dictionary:delete("probe/" .. member)
    announce()
end


--- The probe succeeded.
function _M.readmit(member)
    dictionary:delete("ejected/" .. member)
    dictionary:delete("probe/" .. member)
    announce()
    ngx.log(ngx.NOTICE, "endpoint ", member, " is back")
end


--- Another process may get this address: nothing is known of that one.
function _M.forget(member)
    dictionary:delete("ejected/" .. member)
    dictionary:delete("times/" .. member)
    dictionary:delete("probe/" .. member)
    announce()
end


--- Whether the request at hand is the one that probes this endpoint.
function _M.claim_probe(member)
    local claimed = expiring.add(dictionary, "probe/" .. member, ngx.worker.pid(),
        PROBE_SECONDS)
    if claimed then
        counters.add("ejection_probes")
    end
    return claimed
end


--- The result of active checks.
-- @param reason nil: healthy
-- @param memory seconds after which a result that nobody repeats is forgotten
function _M.set_unhealthy(backend, id, reason, memory)
    local key = "unhealthy/" .. _M.member(backend, id)
    local known = expiring.get(dictionary, key)
    if reason then
        expiring.set(dictionary, key, reason, memory)
    elseif known then
        dictionary:delete(key)
    end
    if (known == nil) ~= (reason == nil) then
        announce()
    end
end


--- The reason that the last check gave; nil: healthy.
function _M.why_unhealthy(backend, id)
    return expiring.get(dictionary, "unhealthy/" .. _M.member(backend, id))
end


-- Of all that is kept for a while.
local READERS = { ejected = parse, probe = tonumber, times = tonumber, unhealthy = tostring }


local function add_entry(found, key)
    local kind, backend, id = match(key, "^(%a+)/(%S+) (.+)$")
    local reader = READERS[kind]
    if not reader then
        return
    end
    local text = expiring.get(dictionary, key)
    if not text then
        dictionary:delete(key)
    elseif found[kind] then
        found[kind][backend] = found[kind][backend] or {}
        found[kind][backend][id] = reader(text)
    end
end


--- All of it, {backend: {id: {until_time, times, reason}}} and {backend: {id: reason}}, and how
-- many entries were looked at. What is over is deleted.
function _M.read()
    local found, keys = { ejected = {}, unhealthy = {} }, dictionary:get_keys(0)
    for _, key in ipairs(keys) do
        add_entry(found, key)
    end
    return found.ejected, found.unhealthy, #keys
end


--- Whether a request tries at this moment if it is back.
function _M.is_probed(member)
    return expiring.get(dictionary, "probe/" .. member) ~= nil
end


return _M
