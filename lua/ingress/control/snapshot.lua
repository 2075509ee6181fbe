-- Writes the file of the records anew when what was appended has outgrown its snapshot, or when it
-- lacks a push. Piece by piece, so that requests never wait; pushes that come meanwhile go into the
-- draft, too (record_file.lua). The draft takes the place of the file when it is complete.

local expiring = require "ingress.expiring"
local journal = require "ingress.control.journal"
local lock = require "ingress.control.lock"
local pacing = require "ingress.pacing"
local record_file = require "ingress.control.record_file"
local record_log = require "ingress.pure.record_log"
local validation = require "ingress.control.validation"

local DRAFT = record_file.DRAFT
-- A piece has so many records or bytes at most.
local PIECE_RECORDS = 200
local PIECE_BYTES = 1048576
-- Seconds between tries, when the disk is full.
local RETRY = 5

local state = ngx.shared.resty_ingress_state
local records = ngx.shared.resty_ingress_records


-- The keys at the begin. Later ones come by their pushes.
local function begin()
    state:delete("file/draft")
    local ok, err = record_file.create(DRAFT)
    return ok and journal.keys(), err
end


-- The position of the next piece, or nil, err.
local function write_piece(keys, position)
    local lines, bytes = {}, 0
    while position <= #keys and #lines < PIECE_RECORDS and bytes < PIECE_BYTES do
        local stored = records:get(keys[position])
        if stored then
            lines[#lines + 1] = record_log.set(keys[position], validation.text(stored))
            bytes = bytes + #stored
        end
        position = position + 1
    end
    local size, err = record_file.append_frame(DRAFT, "part", journal.revision(), lines)
    return size and position, err
end


-- The draft becomes the file. True, or nil, err.
local function finish()
    if state:get("file/draft") then
        return nil, "a push could not be appended to the draft"
    end
    local size, err = record_file.append_frame(DRAFT, "whole", journal.revision(), {})
    local ok = size
    if ok then
        ok, err = os.rename(DRAFT, record_file.PATH)
    end
    if not ok then
        return nil, err
    end
    record_file.settle(size, size)
    return true
end


local function write()
    local keys, err = journal.exclusively(begin)
    local position = keys and 1
    while position and position <= #keys do
        position, err = journal.exclusively(write_piece, keys, position)
        pacing.rest()
    end
    if not position then
        return nil, err
    end
    return journal.exclusively(finish)
end


local function reason_of(failure)
    return type(failure) == "table" and "the records are locked" or failure
end


local run


local function give_up(reason)
    os.remove(DRAFT)
    record_file.report(reason)
    expiring.set(state, "file/retry", 1, RETRY)
    ngx.timer.at(RETRY, run)
end


-- A worker that shuts down leaves it to the others, at the next push.
function run(is_cancelled)
    if is_cancelled or not record_file.is_outgrown()
        or not lock.acquire(record_file.DRAFT_LOCK) then
        return
    end
    local ok, done, failure = pcall(write)
    if not ok or not done then
        give_up(reason_of(ok and failure or done))
    end
    lock.release(record_file.DRAFT_LOCK)
end


function journal.on_outgrown()
    if not expiring.get(state, "file/retry") and not lock.is_held(record_file.DRAFT_LOCK) then
        ngx.timer.at(0, run)
    end
end
