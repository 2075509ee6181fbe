local record_log = require "ingress.pure.record_log"


-- Not CRC-32, but it tells every text of these tests from its neighbours.
local function checksum(text)
    local sum = #text
    for i = 1, #text do
        sum = (sum * 31 + text:byte(i)) % 2 ^ 32
    end
    return sum
end


local function frame(kind, revision, body)
    local content = { kind = kind, revision = revision, time = 1000 + revision, body = body }
    return record_log.head(content, checksum) .. body
end


local function replay(...)
    local file = assert(io.tmpfile())
    file:write(...)
    local state, reason = record_log.replay(file, checksum)
    file:close()
    return state, reason
end


local SNAPSHOT = record_log.FIRST_LINE
    .. frame("part", 4, record_log.set("a", "1") .. record_log.set("b", '{"x":"y z"}'))
    .. frame("whole", 4, "")
local PUSH = frame("push", 5, record_log.set("c", "3") .. record_log.delete("a"))


describe("record_log", function()
    it("gives back what was written, the newest value of each key", function()
        local state = assert(replay(SNAPSHOT, PUSH, frame("push", 6, record_log.set("c", "4"))))
        assert.same({ b = '{"x":"y z"}', c = "4" }, state.records)
        assert.equal(6, state.revision)
        assert.equal(1006, state.time)
        assert.equal(#SNAPSHOT, state.snapshot)
    end)

    it("takes pushes between the parts of a snapshot in their order", function()
        local first = frame("part", 4, record_log.set("a", "1"))
        local second = frame("part", 5, record_log.set("b", "2"))
        local whole = frame("whole", 5, "")
        local state = assert(replay(record_log.FIRST_LINE, first, PUSH, second, whole))
        assert.same({ b = "2", c = "3" }, state.records)
        assert.equal(5, state.revision)
    end)

    it("leaves out a last push that was not written to its end, wherever that was", function()
        local expected = assert(replay(SNAPSHOT))
        for length = 0, #PUSH - 1 do
            local state, reason = replay(SNAPSHOT, PUSH:sub(1, length))
            assert.same(expected, state, ("%d bytes: %s"):format(length, tostring(reason)))
        end
    end)

    it("refuses a file of which any byte is another one, but at its incomplete end", function()
        local text = SNAPSHOT .. PUSH .. frame("push", 6, record_log.delete("c"))
        for position = 1, #text do
            local byte = text:byte(position)
            local state = replay(text:sub(1, position - 1), string.char((byte + 1) % 256),
                text:sub(position + 1))
            assert.is_nil(state, "byte " .. position)
        end
    end)

    it("refuses a file that lacks a piece in its middle", function()
        local last = frame("push", 6, record_log.delete("c"))
        for length = 1, #PUSH do
            assert.is_nil(replay(SNAPSHOT, PUSH:sub(length + 1), last), length .. " bytes less")
        end
        for length = 0, #SNAPSHOT - 1 do
            assert.is_nil(replay(SNAPSHOT:sub(1, length)), length .. " bytes")
        end
    end)

    it("says why", function()
        local function reason_of(...)
            return select(2, replay(...))
        end
        assert.equal("it is no file of records", reason_of(""))
        assert.equal("it is no file of records", reason_of("events {}\n"))
        assert.equal("its format is another version", reason_of("resty-ingress records 2\n"))
        assert.equal("its snapshot is not complete", reason_of(record_log.FIRST_LINE))
        assert.equal("its snapshot is not complete", reason_of(record_log.FIRST_LINE, PUSH))
        assert.equal("a push is missing", reason_of(SNAPSHOT, frame("push", 6, "")))
        assert.equal("it has two snapshots", reason_of(SNAPSHOT, frame("whole", 4, "")))
        assert.equal("the head of a frame is damaged", reason_of(SNAPSHOT, "x\n", PUSH))
        assert.equal("a frame has a line of an unknown form",
            reason_of(SNAPSHOT, frame("push", 5, "* a\n")))
        assert.equal("a frame ends within a line", reason_of(SNAPSHOT, frame("push", 5, "- a")))
    end)
end)
