-- The file that keeps the records for a start of OpenResty alone. Each push is appended in the step
-- that applies it; snapshot.lua writes the file anew when it has grown. Nothing here makes a push
-- fail: what cannot be written is told in the status, and tried again.
--
-- State dictionary:  file/trouble   what is wrong with it, as words
--                    file/outdated  it lacks a push: none is appended until it is written anew
--                    file/snapshot  size of its snapshot in bytes
--                    file/size      of the whole
--                    file/draft     the draft of a new one lacks a push

local lock = require "ingress.control.lock"
local process = require "ingress.process"
local record_log = require "ingress.pure.record_log"
local validation = require "ingress.control.validation"

local concat = table.concat
local crc32 = ngx.crc32_long
local max = math.max

local FILE = ngx.config.prefix() .. "records.log"
-- What is appended may become as large as the snapshot, and as large as this at least.
local LEAST = 1048576
local MODE = "600"

local state = ngx.shared.resty_ingress_state

local _M = {
    PATH = FILE,
    DRAFT = FILE .. ".new",
    REFUSED = FILE .. ".refused",
    -- Held by the worker that writes the draft.
    DRAFT_LOCK = "draft",
}


-- The size afterwards; or nil, err, and the file is as it was.
local function append(path, head, body)
    local file, err = io.open(path, "ab")
    if not file then
        return nil, err
    end
    file:setvbuf("no")
    local before = file:seek("end")
    local ok
    ok, err = file:write(head, body)
    local after = file:seek("end")
    file:close()
    if ok then
        return after
    end
    process.truncate(path, before)
    return nil, err
end


--- A file with nothing but its first line, closed to others: it will hold keys. True, or nil, err.
function _M.create(path)
    local file, err = io.open(path, "wb")
    if not file then
        return nil, err
    end
    file:close()
    if not process.set_mode(path, MODE) then
        return nil, path .. ": the mode cannot be changed"
    end
    return append(path, record_log.FIRST_LINE, "")
end


--- Its size afterwards, or nil, err.
function _M.append_frame(path, kind, revision, lines)
    local body = concat(lines)
    local head = { kind = kind, revision = revision, time = ngx.time(), body = body }
    return append(path, record_log.head(head, crc32), body)
end


--- Says what is wrong: in the status, and once in the log.
function _M.report(trouble)
    if state:get("file/trouble") ~= trouble then
        ngx.log(ngx.ERR, "the file of the records, which are served all the same: ", trouble)
    end
    state:set("file/trouble", trouble)
end


--- It lacks something from now on. That may be what closed a route, so the file goes: a start of
-- OpenResty alone must not open it again.
function _M.outdate(trouble)
    os.remove(FILE)
    state:set("file/outdated", true)
    _M.report(trouble)
end


--- It holds everything, of which the snapshot takes so many bytes.
function _M.settle(snapshot, size)
    state:set("file/snapshot", snapshot)
    state:set("file/size", size)
    state:delete("file/outdated")
    state:delete("file/trouble")
end


local function lines_of(change)
    local lines = {}
    for _, key in ipairs(change.set_keys) do
        lines[#lines + 1] = record_log.set(key, validation.text(change.set[key]))
    end
    for _, keys in ipairs(change.deleted) do
        for _, key in ipairs(keys) do
            lines[#lines + 1] = record_log.delete(key)
        end
    end
    return lines
end


--- A push that has been applied.
-- @param change  {set: {key: stored text}, set_keys: [key], deleted: [[key]]}
function _M.append(revision, change)
    local lines = lines_of(change)
    if lock.is_held(_M.DRAFT_LOCK)
        and not _M.append_frame(_M.DRAFT, "push", revision, lines) then
        state:set("file/draft", "incomplete")
    end
    if state:get("file/outdated") then
        return
    end
    local size, err = _M.append_frame(FILE, "push", revision, lines)
    if size then
        state:set("file/size", size)
    else
        _M.outdate(err)
    end
end


--- Whether it is time to write it anew.
function _M.is_outgrown()
    local snapshot, size = state:get("file/snapshot") or 0, state:get("file/size") or 0
    return state:get("file/outdated") or size - snapshot > max(LEAST, snapshot)
end


--- For the status: {size, trouble}.
function _M.status()
    return { size = state:get("file/size"), trouble = state:get("file/trouble") }
end


return _M
