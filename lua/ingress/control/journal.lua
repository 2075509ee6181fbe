-- Writing records: a push is applied as a whole or not at all, and in an order in which no request
-- meets a host whose backend is missing. How workers take it over: see store.lua.
--
-- State dictionary:  revision        of the last push
--                    records/<kind>  how many records there are
--                    host_changes    how often records of hosts have changed

local change_counter = require "ingress.change_counter"
local lock = require "ingress.control.lock"
local record_file = require "ingress.control.record_file"
local store = require "ingress.store"

local concat = table.concat
local match = string.match
local sort = table.sort

local LOCK = "push"
-- A longer change list is stored as "everything".
local LONGEST_CHANGE = 16384
-- What the dictionary needs for an item besides its text, rounded up.
local ITEM_OVERHEAD = 128
local RECORDS = change_counter.RECORDS
-- Those after the backends name others: they are set last and deleted first.
local ORDER = {
    setting = 1, authority = 2, certificate = 2, htpasswd = 2, backend = 3, passthrough = 4,
    stream = 4, host = 5,
}

local changes = change_counter.values
local state = ngx.shared.resty_ingress_state
local records = ngx.shared.resty_ingress_records

local _M = {
    -- Called when the file of the records should be written anew.
    on_outgrown = function() end,
}


local function kind_of(key)
    return match(key, "^[^/]*")
end


local function order(key)
    return ORDER[kind_of(key)]
end


local function add_to_count(key, difference)
    state:incr("records/" .. kind_of(key), difference, 0)
end


local function note_host_change()
    state:incr("host_changes", 1, 0)
end


-- The list is there before the counter moves; the counter moves after the records have changed.
local function announce(keys, revision)
    local sequence = changes[RECORDS] + 1
    local text = type(keys) == "table" and concat(keys, "\n") or keys
    if #text > LONGEST_CHANGE then
        text = store.EVERYTHING
    end
    local name = "change/" .. sequence
    if not state:safe_set(name, revision .. "\n" .. text) then
        -- An old list of the same number must not stay; a missing one means everything.
        state:delete(name)
    end
    state:delete("change/" .. sequence - store.LISTED_CHANGES)
    state:set("revision", revision)
    changes[RECORDS] = sequence
end


local function changed_sets(set)
    local keys = {}
    for key, stored in pairs(set) do
        if records:get(key) ~= stored then
            keys[#keys + 1] = key
        end
    end
    sort(keys, function(a, b)
        local first, second = order(a), order(b)
        return first < second or first == second and a < b
    end)
    return keys
end


--- Every key. The dictionary is locked meanwhile: for comparisons, not for requests.
function _M.keys()
    return records:get_keys(0)
end


--- How many records there are, by kind.
function _M.counts()
    local counts = {}
    for kind in pairs(ORDER) do
        counts[kind] = state:get("records/" .. kind) or 0
    end
    return counts
end


--- A number that is another one when records of hosts have changed.
function _M.host_changes()
    return state:get("host_changes") or 0
end


-- For when nobody kept count.
local function recount()
    for kind in pairs(ORDER) do
        state:set("records/" .. kind, 0)
    end
    for _, key in ipairs(_M.keys()) do
        add_to_count(key, 1)
    end
    note_host_change()
end


-- Keys that exist and are to go: those that name others, others.
local function existing(push)
    local users, others = {}, {}
    for _, key in ipairs(push.keep and _M.keys() or push.delete) do
        local unwanted = not push.keep or not push.keep[key]
        if unwanted and records:get(key) then
            local list = order(key) > ORDER.backend and users or others
            list[#list + 1] = key
        end
    end
    return users, others
end


-- New keys go first: that makes room for the old values.
local function roll_back(undo)
    for key, old in pairs(undo) do
        if not old then
            records:delete(key)
        end
    end
    for key, old in pairs(undo) do
        if old and not records:safe_set(key, old) then
            ngx.log(ngx.CRIT, "the old value of ", key, " could not be put back")
        end
    end
end


-- The bytes that the dictionary would have to hold.
local function needed(set, keys)
    local total = records:capacity() - records:free_space()
    for _, key in ipairs(keys) do
        total = total + #key + #set[key] + ITEM_OVERHEAD
    end
    return total
end


local function write_all(set, keys)
    local undo = {}
    local total = needed(set, keys)
    for _, key in ipairs(keys) do
        undo[key] = records:get(key) or false
        if not records:safe_set(key, set[key]) then
            roll_back(undo)
            return nil, total
        end
    end
    for key, old in pairs(undo) do
        if not old then
            add_to_count(key, 1)
        end
    end
    return true
end


local function remove(keys, revision)
    if #keys == 0 then
        return
    end
    for _, key in ipairs(keys) do
        -- A push may name a key twice.
        if records:get(key) then
            records:delete(key)
            add_to_count(key, -1)
        end
    end
    announce(keys, revision)
end


local function apply(push, revision)
    local set_keys = changed_sets(push.set)
    local users, others = existing(push)
    if #set_keys + #users + #others == 0 and not (push.keep and revision == 0) then
        return revision
    end
    local ok, total = write_all(push.set, set_keys)
    if not ok then
        -- Some worker may have read a value that was there for a moment.
        announce(set_keys, revision)
        return nil, { needed = total, capacity = records:capacity() }
    end
    revision = revision + 1
    announce(set_keys, revision)
    remove(users, revision)
    remove(others, revision)
    -- Hosts come last in the order.
    if users[1] or order(set_keys[#set_keys] or "") == ORDER.host then
        note_host_change()
    end
    record_file.append(revision,
        { set = push.set, set_keys = set_keys, deleted = { users, others } })
    return revision
end


--- That of the last push; 0 before the first.
function _M.revision()
    return state:get("revision") or 0
end


-- How much of a push was done, nobody knows.
local function start_over(reason)
    recount()
    announce(store.EVERYTHING, _M.revision())
    record_file.outdate(reason)
end


--- Runs `step(...)`, which must not yield, while nobody else changes records.
-- @return what it returns; or nil, {conflict} when others did not let go
function _M.exclusively(step, ...)
    local held, abandoned = lock.await(LOCK)
    if not held then
        return nil, { conflict = true }
    end
    if abandoned then
        start_over("a push was interrupted")
    end
    local ok, result, failure = pcall(step, ...)
    if not ok then
        start_over("a push failed")
    end
    lock.release(LOCK)
    if not ok then
        error(result, 0)
    end
    return result, failure
end


local function push_now(push)
    local revision = _M.revision()
    if push.base and push.base ~= revision then
        return nil, { conflict = true }
    end
    return apply(push, revision)
end


--- @param push  {set: {key: stored text}} and either {base, delete: [key]}
-- or {keep: {key: anything}}, which makes it the whole set: other keys go away
-- @return revision; or nil, {conflict} | {needed, capacity}. It may wait for its turn; then it is
-- one step within a worker.
function _M.push(push)
    local revision, failure = _M.exclusively(push_now, push)
    if record_file.is_outgrown() then
        _M.on_outgrown()
    end
    return revision, failure
end


--- In the master, before there are workers: the records are in the dictionary already.
function _M.begin(revision)
    recount()
    announce(store.EVERYTHING, revision)
end


return _M
