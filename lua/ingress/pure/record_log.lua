-- The format of the file that keeps the records over a restart (control/record_file.lua).
--
--   resty-ingress records 1                                  name and version
--   <kind> <revision> <seconds> <bytes> <sum> <head sum>     a frame: its head, then so many bytes
--   + <key> <JSON>                                           set
--   - <key>                                                  delete
--
-- Frames of kind `part` hold a snapshot, which is complete with the frame `whole`. Each `push`
-- after it is one push; one may also stand between parts: frames are read in the order in which
-- they were written, so what comes later is newer. Revisions of pushes count up by one.

local find = string.find
local format = string.format
local match = string.match
local sub = string.sub
local tonumber = tonumber

local FIRST_LINE = "resty-ingress records 1"
local ANY_VERSION = "^resty%-ingress records %d+$"
local HEAD = "^((%l+) (%d+) (%d+) (%d+) (%x+)) (%x+)$"
local KINDS = { part = true, whole = true, push = true }

local _M = {
    FIRST_LINE = FIRST_LINE .. "\n",
}


--- A line of a frame that sets a record. Neither key nor JSON can hold a line break.
function _M.set(key, json)
    return "+ " .. key .. " " .. json .. "\n"
end


function _M.delete(key)
    return "- " .. key .. "\n"
end


--- The head of a frame: the sum of its own is what makes its length trustworthy.
-- @param frame     {kind, revision, time: seconds since the epoch, body: text}
-- @param checksum  function(text) -> number of 32 bits
function _M.head(frame, checksum)
    local text = format("%s %d %d %d %08x", frame.kind, frame.revision, frame.time, #frame.body,
        checksum(frame.body))
    return format("%s %08x\n", text, checksum(text))
end


local function refuse_first_line(line)
    if line and match(line, ANY_VERSION) then
        return "its format is another version"
    end
    return "it is no file of records"
end


local function parse_head(line, checksum)
    local text, kind, revision, time, length, sum, own_sum = match(line, HEAD)
    if not text or not KINDS[kind] or tonumber(own_sum, 16) ~= checksum(text) then
        return nil
    end
    return {
        kind = kind,
        revision = tonumber(revision),
        time = tonumber(time),
        length = tonumber(length),
        sum = tonumber(sum, 16),
    }
end


-- The next frame; {complete = false} when the file ends within it; nil at the end, or nil, reason.
local function read_frame(file, size, checksum)
    local start = file:seek()
    local line = file:read("*l")
    if not line then
        return nil
    elseif start + #line == size then
        return { complete = false }
    end
    local frame = parse_head(line, checksum)
    if not frame then
        return nil, "the head of a frame is damaged"
    end
    frame.body = frame.length == 0 and "" or file:read(frame.length) or ""
    frame.complete = #frame.body == frame.length
    if frame.complete and checksum(frame.body) ~= frame.sum then
        return nil, "a frame is damaged"
    end
    return frame
end


-- By positions instead of patterns, which take ten times as long for a large file.
local function apply_line(body, from, to, records)
    local operation = sub(body, from, from + 1)
    local space = find(body, " ", from + 2, true)
    if operation == "+ " and space and space < to then
        records[sub(body, from + 2, space - 1)] = sub(body, space + 1, to - 1)
    elseif operation == "- " then
        records[sub(body, from + 2, to - 1)] = nil
    else
        return "a frame has a line of an unknown form"
    end
end


local function apply_frame(frame, records)
    local from, body = 1, frame.body
    while from <= #body do
        local to = find(body, "\n", from, true)
        local reason = not to and "a frame ends within a line"
            or apply_line(body, from, to, records)
        if reason then
            return reason
        end
        from = to + 1
    end
end


-- Why this frame cannot come now, or nil.
local function misplaced(frame, state)
    if frame.kind == "push" and state.revision and frame.revision ~= state.revision + 1 then
        return "a push is missing"
    elseif state.snapshot and frame.kind ~= "push" then
        return "it has two snapshots"
    end
end


local function take(frame, state, position)
    local reason = misplaced(frame, state) or apply_frame(frame, state.records)
    if reason then
        return reason
    end
    state.time = frame.time
    state.size = position
    if frame.kind ~= "part" then
        state.revision = frame.revision
    end
    if frame.kind == "whole" then
        state.snapshot = position
    end
end


--- What an open file says: {records: {key: JSON}, revision, time of the last frame, snapshot: bytes
-- up to the end of the snapshot, size: bytes up to the end of the last complete frame}. A last
-- frame that was not written to its end is left out: that push was never answered. Anything else
-- that is wrong makes the whole file useless: nil, reason.
function _M.replay(file, checksum)
    local size = file:seek("end")
    file:seek("set")
    local line = file:read("*l")
    if line ~= FIRST_LINE then
        return nil, refuse_first_line(line)
    end
    local state = { records = {} }
    local frame, reason = read_frame(file, size, checksum)
    while frame and frame.complete do
        reason = take(frame, state, file:seek())
        if reason then
            return nil, reason
        end
        frame, reason = read_frame(file, size, checksum)
    end
    if reason or not state.snapshot then
        return nil, reason or "its snapshot is not complete"
    end
    return state
end


return _M
