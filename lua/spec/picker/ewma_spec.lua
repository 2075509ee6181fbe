local ewma = require "ingress.picker.ewma"
local support = require "spec.picker.support"

local endpoints = support.endpoints


-- Requests one after the other, 10 a second, that take the seconds of their endpoint: id -> count.
local function run(picker, list, deps, seconds, picks)
    local counts = {}
    for _ = 1, picks do
        local id = list[picker:pick()].id
        counts[id] = (counts[id] or 0) + 1
        deps.advance(0.1)
        picker:done(id, seconds[id], false)
    end
    return counts
end


local function times(list, ...)
    local seconds = {}
    for i, time in ipairs({ ... }) do
        seconds[list[i].id] = time
    end
    return seconds
end


describe("ewma", function()
    local deps
    before_each(function()
        deps = support.deps()
    end)

    it("prefers those that answer faster", function()
        local list = endpoints(1, 3)
        local picker = ewma.new(list, {}, deps)
        local counts = run(picker, list, deps, times(list, 0.5, 0.05, 0.05), 600)
        assert.is_true((counts[list[1].id] or 0) < 60, counts[list[1].id])
    end)

    it("gives a slow one another chance as its score decays", function()
        local list = endpoints(1, 2)
        local picker = ewma.new(list, {}, deps)
        run(picker, list, deps, times(list, 2, 0.1), 20)
        local counts = run(picker, list, deps, times(list, 0.01, 0.1), 1000)
        assert.is_true(counts[list[1].id] > 500, counts[list[1].id])
    end)

    it("decays by a factor of e in ten seconds", function()
        local list = endpoints(1, 2)
        local picker = ewma.new(list, {}, deps)
        local function measure(index, seconds)
            picker:done(list[index].id, seconds, false)
        end
        measure(1, math.exp(1) * 0.99)
        deps.advance(10)
        measure(2, 1)
        assert.equal(1, picker:pick())
        picker:done(list[1].id, nil, false)

        picker = ewma.new(list, {}, deps)
        measure(1, math.exp(1) * 1.01)
        deps.advance(10)
        measure(2, 1)
        assert.equal(2, picker:pick())
    end)

    it("starts a newcomer with the average score", function()
        local list = endpoints(1, 2)
        local picker = ewma.new(list, {}, deps)
        picker:done(list[1].id, 0.2, false)
        picker:done(list[2].id, 0.6, false)
        local more = endpoints(1, 3)
        local first, second, third = more[1].id, more[2].id, more[3].id
        picker:update(more)
        local function better(excluded)
            local index = picker:pick(nil, { [excluded] = true })
            picker:done(more[index].id, nil, false)
            return more[index].id
        end
        assert.equal(first, better(second))
        assert.equal(third, better(first))
    end)

    it("does not count in it what is only assumed", function()
        local list = endpoints(1, 3)
        local picker = ewma.new(list, {}, deps)
        picker:done(list[1].id, 0.1, false)
        picker:done(list[2].id, 0.3, false)
        assert.equal(3, picker:pick(nil, { [list[1].id] = true, [list[2].id] = true }))
        picker:update(endpoints(1, 4))
        assert.equal(4, picker:pick(nil, { [list[1].id] = true, [list[3].id] = true }))
    end)

    it("does not take a failure for a fast answer", function()
        local list = endpoints(1, 2)
        local picker = ewma.new(list, {}, deps)
        picker:done(list[1].id, 0.001, true)
        picker:done(list[2].id, 0.5, false)
        assert.equal(2, picker:pick())
    end)

    it("leaves alone whoever does not answer at all", function()
        local list = endpoints(1, 3)
        local picker = ewma.new(list, {}, deps)
        local hanging = 0
        for _ = 1, 300 do
            local id = list[picker:pick()].id
            if id == list[1].id then
                hanging = hanging + 1
            else
                deps.advance(0.01)
                picker:done(id, 0.1, false)
            end
        end
        assert.is_true(hanging <= 5, hanging)
    end)

    it("keeps requests in flight at the weights when all are equally fast", function()
        local list = endpoints(1, 2, { 10, 30 })
        local picker, counts = ewma.new(list, {}, support.deps(20)), { 0, 0 }
        picker:done(list[1].id, 0.1, false)
        picker:done(list[2].id, 0.1, false)
        for _ = 1, 4000 do
            local index = picker:pick()
            counts[index] = counts[index] + 1
        end
        assert.is_true(math.abs(counts[2] - 3000) <= 5, counts[2])
    end)

    it("keeps scores over updates, and forgets those of the gone", function()
        local list = endpoints(1, 3)
        local picker = ewma.new(list, {}, deps)
        picker:done(list[1].id, 5, false)
        picker:done(list[2].id, 0.1, false)
        picker:done(list[3].id, 0.1, false)
        picker:update(endpoints(1, 2))
        picker:done(list[3].id, 9, false)
        for _ = 1, 20 do
            assert.equal(2, picker:pick())
            picker:done(list[2].id, nil, false)
        end
    end)
end)
