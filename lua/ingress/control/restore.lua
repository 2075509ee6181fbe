-- The start of OpenResty: the records of the last time, from their file, before there are workers.
-- So no request meets an empty set, and nobody else is needed to serve.

local journal = require "ingress.control.journal"
local json = require "ingress.control.json"
local process = require "ingress.process"
local record_file = require "ingress.control.record_file"
local record_log = require "ingress.pure.record_log"
local validation = require "ingress.control.validation"

-- Pushes that the sidecar knows had higher revisions.
local FIRST = 0

local state = ngx.shared.resty_ingress_state
local records = ngx.shared.resty_ingress_records

local _M = {}


-- Why the record is refused, or nil when it is stored; an error when there is no room.
local function store_record(key, text)
    local value, reason = json.decode(text)
    reason = reason or validation.refusal(key, value)
    if not reason and not records:safe_set(key, validation.stored(value, text)) then
        error("the dictionary of the records is too small for it", 0)
    end
    return reason
end


-- How many were stored, and how many refused.
local function store_all(texts)
    local stored, refused = 0, 0
    for key, text in pairs(texts) do
        local reason = store_record(key, text)
        if reason then
            refused = refused + 1
            ngx.log(ngx.WARN, "a record of the last time is left out: ", key, ": ", reason)
        else
            stored = stored + 1
        end
    end
    return stored, refused
end


local function take_over(content, file_size)
    local stored, refused = store_all(content.records)
    journal.begin(content.revision)
    if content.size < file_size then
        process.truncate(record_file.PATH, content.size)
    end
    record_file.settle(content.snapshot, content.size)
    return {
        revision = content.revision,
        records = stored,
        refused_records = refused,
        age_seconds = math.max(0, ngx.time() - content.time),
    }
end


local function read(file)
    local content, reason = record_log.replay(file, ngx.crc32_long)
    if not content then
        error(reason, 0)
    end
    return take_over(content, file:seek("end"))
end


-- A file that cannot be used is kept for people to look at: one, the last.
local function set_aside(reason)
    records:flush_all()
    records:flush_expired()
    os.rename(record_file.PATH, record_file.REFUSED)
    ngx.log(ngx.ERR, "the records of the last time are not used, ", reason, ": the file is now ",
        record_file.REFUSED)
    return { refused = reason }
end


local function start_afresh()
    local ok, err = record_file.create(record_file.PATH)
    local size
    if ok then
        size, err = record_file.append_frame(record_file.PATH, "whole", FIRST, {})
    end
    if size then
        record_file.settle(size, size)
    else
        record_file.outdate(err)
    end
end


--- In the master, once.
function _M.run()
    if process.is_visitor() then
        return
    end
    os.remove(record_file.DRAFT)
    local file = io.open(record_file.PATH, "rb")
    if not file then
        return start_afresh()
    end
    local ok, result = pcall(read, file)
    file:close()
    if not ok then
        result = set_aside(result)
        start_afresh()
    end
    state:set("restored", json.encode(result))
    -- Workers inherit the memory of the master.
    collectgarbage()
end


--- For the status: {revision, records, refused_records, age_seconds}, or {refused: reason}; nil
-- when there was nothing to restore.
function _M.status()
    local text = state:get("restored")
    return text and json.decode(text)
end


return _M
