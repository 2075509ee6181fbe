local sampling = require "ingress.metrics.sampling"

local EXACT, GROUP = sampling.EXACT, sampling.GROUP


-- What requests of one second are estimated to be.
-- @param counts tells of the number of a request whether it is of the kind to be counted
local function estimate(state, second, requests, counts)
    local total = 0
    for i = 1, requests do
        local weight = sampling.weight(state, second)
        if not counts or counts(i) then
            total = total + weight
        end
    end
    return total
end


describe("sampling", function()
    before_each(function()
        math.randomseed(1)
    end)

    it("measures each request up to a rate, in every second", function()
        local state = sampling.new()
        for second = 1, 3 do
            for _ = 1, EXACT do
                assert.are.equal(1, sampling.weight(state, second))
            end
        end
    end)

    it("begins exactly in a second after a busy one", function()
        local state = sampling.new()
        estimate(state, 1, EXACT + 7)
        assert.are.equal(EXACT, estimate(state, 2, EXACT))
    end)

    it("adds up to the requests but for a part of one group", function()
        local measured, total, state = 0, 0, sampling.new()
        local requests = 100000
        for _ = 1, requests do
            local weight = sampling.weight(state, 1)
            measured = measured + (weight > 0 and 1 or 0)
            total = total + weight
        end
        assert.is_true(math.abs(total - requests) < GROUP, total)
        assert.is_true(math.abs(measured - EXACT - (requests - EXACT) / GROUP) <= 1, measured)
    end)

    it("has no bias where seconds cut groups short", function()
        local state, total = sampling.new(), 0
        local seconds, rest = 10000, 7
        for second = 1, seconds do
            total = total + estimate(state, second, EXACT + rest)
        end
        local deviation = GROUP * math.sqrt(seconds * rest / GROUP * (1 - rest / GROUP))
        assert.is_true(math.abs(total - seconds * (EXACT + rest)) < 5 * deviation, total)
    end)

    it("does not fall in with a pattern of the traffic", function()
        local requests = 100000
        local estimated = estimate(sampling.new(), 1, requests, function(i)
            return i % GROUP == 0
        end)
        local deviation = math.sqrt(requests * (1 - 1 / GROUP))
        assert.is_true(math.abs(estimated - requests / GROUP) < 5 * deviation, estimated)
    end)

    it("can be left out", function()
        assert.are.equal(1, sampling.always())
    end)
end)
