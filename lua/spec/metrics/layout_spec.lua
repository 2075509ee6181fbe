local layouts = require "ingress.metrics.layout"

local BOUNDS = { time = { 0.005, 0.01, 2.5 }, length = { 10, 20 }, size = { 100 } }


describe("the layout of a series", function()
    local layout = layouts.new(BOUNDS)

    it("has a place of its own for each number", function()
        local taken = { [layouts.EPOCH] = true, [layouts.REQUESTS] = true }
        local function take(place)
            assert.is_nil(taken[place])
            assert.is_true(place < layout.width)
            taken[place] = true
        end
        for _, histogram in ipairs(layout.histograms) do
            if not histogram.sum_of then
                take(histogram.sum)
            end
            for bucket = 0, #histogram.bounds do
                take(histogram.first + bucket)
            end
        end
    end)

    it("fills whole cache lines", function()
        assert.are.equal(0, layout.width % 8)
    end)

    it("counts times in milliseconds", function()
        local times = layout.request_duration_seconds
        assert.are.same({ 5, 10, 2500 }, times.limits)
        assert.are.equal(0.001, times.scale)
    end)

    it("keeps one sum for the two histograms of the size of answers", function()
        assert.are.equal(layout.response_size.sum, layout.bytes_sent.sum)
        assert.are_not.equal(layout.response_size.first, layout.bytes_sent.first)
    end)

    it("puts a value into the first bucket whose bound it does not exceed", function()
        local limits = layout.request_duration_seconds.limits
        local expected = { [0] = 0, [5] = 0, [6] = 1, [10] = 1, [11] = 2, [2500] = 2, [2501] = 3 }
        for value, bucket in pairs(expected) do
            assert.are.equal(bucket, layouts.bucket(limits, value))
        end
    end)
end)
