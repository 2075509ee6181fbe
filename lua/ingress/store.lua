-- The records as workers see them: one shared counter is compared at each request; when it moved,
-- the keys that changed since are forgotten, and each is read and decoded again when it is needed.
-- Writing is in control/journal.lua.
--
-- Change counter:    RECORDS: how many change lists there have been
-- State dictionary:  change/<number>      revision, then the keys that changed, one a line
--                    revision             the revision of the records, for people and the sidecar
-- Records:           <key>                digest, newline, JSON

local cjson = require("cjson").new()
local change_counter = require "ingress.change_counter"
local record_key = require "ingress.pure.record_key"

local collectgarbage = collectgarbage
local find = string.find
local gmatch = string.gmatch
local match = string.match
local pairs = pairs
local setmetatable = setmetatable
local sub = string.sub
local tonumber = tonumber

local RECORDS = change_counter.RECORDS
local DEEPEST = 16
local SEPARATOR = "\n"
-- In place of the keys: too many to list.
local EVERYTHING = "*"
-- How many change lists are kept. One that is gone counts as a change of everything.
local LISTED_CHANGES = 256
-- Of 2 KiB each: as much as a record of usual size and what is made of it.
local COLLECTOR_STEPS = 12

local changes = change_counter.values
local state = ngx.shared.resty_ingress_state
local records = ngx.shared.resty_ingress_records

cjson.decode_max_depth(DEEPEST)

local _M = {
    revision = 0,
    SEPARATOR = SEPARATOR,
    EVERYTHING = EVERYTHING,
    LISTED_CHANGES = LISTED_CHANGES,
    -- Told the revision that this worker has just taken over.
    on_revision = function() end,
    -- Told each key that changed; nil: any may have.
    on_change = function() end,
}

local sequence = 0
-- kind -> {compile, entries, changed}
local kinds = {}
-- What was decoded last, and from which text.
local setting, setting_text = {}, nil


--- Tells how a kind of record is decoded.
-- @param compile  function(record, key, previous value) -> value, kept until the record changes
-- @param options  weak: entries live as long as somebody else holds them; a deleted and recreated
--                 key then has the same entry. changed: called when a key of the kind changed.
function _M.register(kind, compile, options)
    kinds[kind] = {
        compile = compile,
        changed = options.changed,
        weak = options.weak,
        entries = setmetatable({}, options.weak and { __mode = "v" } or nil),
    }
end


local function forget_everything()
    _M.on_change(nil)
    for _, kind in pairs(kinds) do
        for _, entry in pairs(kind.entries) do
            entry.stale = true
        end
        if kind.changed then
            kind.changed()
        end
    end
end


local function forget(key)
    if key == record_key.GLOBAL_SETTING then
        -- It goes into what is compiled from other records.
        return forget_everything()
    end
    local kind = kinds[match(key, "^[^/]*")]
    if not kind then
        return
    end
    _M.on_change(key)
    local entry = kind.entries[key]
    if entry then
        entry.stale = true
    end
    if kind.changed then
        kind.changed()
    end
end


-- The revision after the change; a change that is not listed (any more) may be any.
local function apply_change(number)
    local change = state:get("change/" .. number)
    local revision, keys = match(change or "", "^(%d+)\n(.*)$")
    if not revision or keys == EVERYTHING then
        forget_everything()
        return tonumber(revision) or state:get("revision")
    end
    for key in gmatch(keys, "[^\n]+") do
        forget(key)
    end
    return tonumber(revision)
end


local function catch_up(newest)
    local revision
    for number = math.max(sequence + 1, newest - LISTED_CHANGES), newest do
        revision = apply_change(number)
    end
    sequence = newest
    _M.revision = revision
    _M.on_revision(revision)
end


--- At the begin of each request: what is looked up afterwards is at least as new as the last push
-- that was answered before the request came.
function _M.refresh()
    local newest = changes[RECORDS]
    if newest ~= sequence then
        catch_up(newest)
    end
end


local function decode(stored)
    return cjson.decode(sub(stored, find(stored, SEPARATOR, 1, true) + 1))
end


--- The stored record, or nil. For a certificate this holds the key.
function _M.read(key)
    local stored = records:get(key)
    return stored and decode(stored)
end


-- Decoding is what makes garbage here, so it pays for the collector as it goes. Left to itself that
-- waits until the heap has doubled, and what a worker has once taken it does not give back.
local function collect_some()
    for _ = 1, COLLECTOR_STEPS do
        collectgarbage("step", 0)
    end
end


local function reload(entry, kind)
    collect_some()
    local record = _M.read(entry.key)
    if record then
        local ok, value = pcall(kind.compile, record, entry.key, entry.value)
        if not ok then
            error(entry.key .. ": " .. value, 0)
        end
        entry.value = value
    else
        entry.value = nil
    end
    entry.stale = false
    if not record and not kind.weak then
        kind.entries[entry.key] = nil
    end
    return entry.value
end


--- The entry of a key that a record names: it stays valid when the record comes, changes and goes.
function _M.entry(kind_name, key)
    local kind = kinds[kind_name]
    local entry = kind.entries[key]
    if not entry then
        entry = { key = key, kind = kind, stale = true }
        kind.entries[key] = entry
    end
    return entry
end


--- What was compiled from the record of an entry; nil when there is none.
function _M.value(entry)
    if entry.stale then
        return reload(entry, entry.kind)
    end
    return entry.value
end


--- The value for a key that a client chose: nothing is kept for keys that have no record.
function _M.lookup(kind_name, key)
    local kind = kinds[kind_name]
    local entry = kind.entries[key] or { key = key, kind = kind, stale = true }
    local value = _M.value(entry)
    if value ~= nil then
        kind.entries[key] = entry
    end
    return value
end


--- Whether there is such a record.
function _M.has(key)
    return records:get(key) ~= nil
end


--- Forgets what was compiled from a record until it is looked up again, and returns it.
function _M.release(kind_name, key)
    local entries = kinds[kind_name].entries
    local entry = entries[key]
    entries[key] = nil
    return entry and entry.value
end


--- The global setting, read when something is compiled: one table as long as it stays the same, not
-- to be changed.
function _M.setting()
    local stored = records:get(record_key.GLOBAL_SETTING)
    if stored ~= setting_text then
        setting, setting_text = stored and decode(stored) or {}, stored
    end
    return setting
end


return _M
