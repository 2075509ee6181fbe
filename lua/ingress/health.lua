-- What this worker thinks of the endpoints: which to leave out, and which to watch.
--
-- Failures in a row are counted here, by endpoint (address and port); an endpoint with too many is
-- ejected for all workers (ejection.lua). After its time one request tries whether it is back.
-- A success is seen only in watched requests (completion.lua): so the requests to a backend are
-- watched from the first failure of one of its endpoints until that endpoint answers.

local ejection = require "ingress.health.ejection"
local store = require "ingress.store"

local huge = math.huge
local member = ejection.member
local min = math.min
local monotonic_time = require("resty.core.time").monotonic_time
local next = next
local pairs = pairs
local shared_version = ejection.version

-- Of `ejection` in setting/global (docs/resilience.md).
local DEFAULT = { failures = 5, time = 10, max_time = 300, max_percent = 50, server_errors = false }
-- Seconds until it is asked again whether an endpoint is still probed.
local PROBE_PAUSE = 1
-- Endpoints that failed once and were never used again must not add up.
local MOST_SUSPECTS = 1024
-- Seconds: reading all takes some microseconds for each, and is not to take all of the time when
-- many endpoints come and go.
local PAUSE_PER_ENTRY = 0.0001
local NONE = {}

local _M = {}

-- backend -> id -> failures in a row
local suspects = {}
local suspect_count = 0
-- Of the shared state, at version `seen`: by backend and id.
local ejected, unhealthy = {}, {}
local seen, refreshed, pause = 0, 0, 0
-- Of the above; what a backend keeps is of one of these.
local version = 0

local rules, rules_revision = DEFAULT, -1


local function current_rules()
    if rules_revision ~= store.revision then
        rules = store.setting().ejection or DEFAULT
        rules_revision = store.revision
    end
    return rules
end


local function refresh()
    local count
    seen = shared_version()
    ejected, unhealthy, count = ejection.read()
    refreshed, pause = monotonic_time(), count * PAUSE_PER_ENTRY
    if current_rules().failures == 0 then
        ejected = {}
    end
    version = version + 1
end


local function catch_up()
    if shared_version() ~= seen and monotonic_time() - refreshed >= pause then
        refresh()
    end
end


local function set_suspect(key, id, failures)
    local known = suspects[key] or {}
    local change = (failures and 1 or 0) - (known[id] and 1 or 0)
    if change > 0 and suspect_count >= MOST_SUSPECTS then
        suspects, suspect_count, known = {}, 0, {}
    end
    known[id] = failures
    suspects[key] = next(known) and known or nil
    if change ~= 0 then
        suspect_count = suspect_count + change
        version = version + 1
    end
end


local function ejection_of(key, id)
    local entries = ejected[key]
    return entries and entries[id]
end


local function members_of(backend)
    local members = backend.members
    if not members then
        members = {}
        for _, endpoint in ipairs(backend.endpoints) do
            members[endpoint.id] = endpoint
        end
        backend.members = members
    end
    return members
end


-- The ids in `candidates` (nil: none) that are members, and how many.
local function among(candidates, members)
    local found, count = {}, 0
    for id in pairs(candidates or NONE) do
        if members[id] then
            found[id] = true
            count = count + 1
        end
    end
    return found, count
end


-- Too few would be left: all that are not known to be unhealthy are used, or all.
local function choose_excluded(backend, members)
    local total = #backend.endpoints
    local failing, failing_count = among(unhealthy[backend.key], members)
    if failing_count == total then
        failing, failing_count = {}, 0
    end
    local out, out_count = among(ejected[backend.key], members)
    local limit = current_rules().max_percent
    if out_count * 100 <= total * limit and out_count + failing_count < total then
        for id in pairs(out) do
            failing[id] = true
        end
    end
    return next(failing) and failing or nil
end


local function next_probe_time(backend, members)
    local earliest = huge
    for id, entry in pairs(ejected[backend.key] or NONE) do
        if members[id] then
            earliest = min(earliest, entry.until_time)
        end
    end
    return earliest
end


-- {excluded: set of ids or nil, suspect: boolean, probe_time: seconds}; nil: nothing is wrong.
local function trouble_of(backend)
    local key = backend.key
    if not ejected[key] and not suspects[key] and not unhealthy[key] then
        return nil
    end
    local members = members_of(backend)
    local _, suspected = among(suspects[key], members)
    return {
        excluded = choose_excluded(backend, members),
        suspect = suspected > 0,
        probe_time = next_probe_time(backend, members),
    }
end


local function trouble(backend)
    catch_up()
    if backend.health_version ~= version then
        backend.trouble = trouble_of(backend)
        backend.health_version = version
    end
    return backend.trouble
end


--- The endpoints of a backend to leave out: a set of ids, or nil.
function _M.excluded(backend)
    local found = trouble(backend)
    return found and found.excluded
end


--- Whether somebody must see the end of the next request to a backend.
function _M.needs_watch(backend)
    local found = trouble(backend)
    return found ~= nil and (found.suspect or monotonic_time() >= found.probe_time)
end


local function is_due(key, id, now)
    local entry = ejection_of(key, id)
    return entry ~= nil and now >= entry.until_time
end


--- The endpoints that a watched request leaves out: one that was ejected and whose time is over may
-- be chosen, by whatever the choice goes by, and is probed then.
function _M.excluded_but_due(backend)
    local found, now = trouble(backend), monotonic_time()
    local excluded = found and found.excluded
    if not excluded or now < found.probe_time then
        return excluded
    end
    local failing, rest = unhealthy[backend.key] or NONE, {}
    for id in pairs(excluded) do
        if failing[id] or not is_due(backend.key, id, now) then
            rest[id] = true
        end
    end
    return next(rest) and rest or nil
end


--- Whether the request at hand, which has chosen this endpoint, probes it: nil when nothing is
-- to be found out, false when another request does. Every probe ends with `probed`.
function _M.claim_probe(backend, id)
    local now = monotonic_time()
    if not is_due(backend.key, id, now) then
        return nil
    end
    if ejection.claim_probe(member(backend.key, id)) then
        return true
    end
    -- There will be a new version when that one has ended.
    trouble(backend).probe_time = now + PROBE_PAUSE
    return false
end


--- The end of a probe.
-- @param key     of the backend
-- @param outcome {reason, unknown, seconds}: reason: why it failed; unknown: the client gave up
function _M.probed(key, id, outcome)
    local probed = member(key, id)
    if outcome.unknown then
        ejection.postpone(probed, current_rules(), outcome.seconds)
    elseif outcome.reason then
        ejection.eject(probed, outcome.reason, current_rules(), true)
    else
        ejection.readmit(probed)
    end
end


--- A try failed; nothing happens when the endpoint is none of the backend (any more).
-- @param reason  one word: error, timeout, http_<status>
function _M.failed(backend, id, reason)
    catch_up()
    local key, limit = backend.key, current_rules().failures
    if limit == 0 or ejection_of(key, id) or not members_of(backend)[id] then
        return
    end
    if #backend.endpoints == 1 then
        return set_suspect(key, id, nil)
    end
    local failures = (suspects[key] and suspects[key][id] or 0) + 1
    if failures < limit then
        return set_suspect(key, id, failures)
    end
    set_suspect(key, id, nil)
    ejection.eject(member(key, id), reason, current_rules())
end


--- A try succeeded.
-- @param key of the backend
function _M.succeeded(key, id)
    if suspects[key] and suspects[key][id] then
        set_suspect(key, id, nil)
    end
end


--- Whether answers with a status of 500 or above count as failures.
function _M.counts_server_errors()
    return current_rules().server_errors
end


--- A backend has other endpoints than before: forgets what is known of those that are gone.
function _M.retain(backend)
    catch_up()
    local key = backend.key
    if not ejected[key] and not suspects[key] then
        return
    end
    local members = members_of(backend)
    for id in pairs(ejected[key] or NONE) do
        if not members[id] then
            ejection.forget(member(key, id))
        end
    end
    for id in pairs(suspects[key] or NONE) do
        if not members[id] then
            set_suspect(key, id, nil)
        end
    end
end


return _M
