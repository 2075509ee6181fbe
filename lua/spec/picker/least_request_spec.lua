local least_request = require "ingress.picker.least_request"
local support = require "spec.picker.support"

local endpoints = support.endpoints


local function new(list)
    return least_request.new(list, {}, support.deps(20))
end


-- Requests that do not end: id -> count.
local function hold(picker, list, picks)
    local counts = {}
    for _ = 1, picks do
        local id = list[picker:pick()].id
        counts[id] = (counts[id] or 0) + 1
    end
    return counts
end


describe("least_request", function()
    it("keeps requests in flight even", function()
        local list = endpoints(1, 20)
        for _, count in pairs(hold(new(list), list, 2000)) do
            -- Random choice alone would give 100 +- 30.
            assert.is_true(math.abs(count - 100) <= 6, count)
        end
    end)

    it("keeps requests in flight at the weights", function()
        local list = endpoints(1, 2, { 10, 30 })
        local counts = hold(new(list), list, 4000)
        assert.is_true(math.abs(counts[list[2].id] - 3000) <= 5, counts[list[2].id])
    end)

    it("looks at both of two endpoints, each time", function()
        for _, weights in ipairs({ { 1, 1 }, { 1, 3 } }) do
            local list = endpoints(1, 2, weights)
            local picker = new(list)
            local first = list[picker:pick()].id
            for _ = 1, 5000 do
                local id = list[picker:pick()].id
                assert.are_not.equal(first, id)
                picker:done(id, 0.1, false)
            end
        end
    end)

    it("leaves alone whoever does not answer", function()
        local list = endpoints(1, 3)
        local picker = new(list)
        local slow = list[1].id
        local slow_picks = 0
        for _ = 1, 900 do
            local id = list[picker:pick()].id
            if id == slow then
                slow_picks = slow_picks + 1
            else
                picker:done(id, 0.1, false)
            end
        end
        -- Drawn twice, it is chosen again: never here, since two that differ are compared.
        assert.is_true(slow_picks <= 3, slow_picks)
    end)

    it("knows after an update what is in flight, also at endpoints that come back", function()
        local list = endpoints(1, 2)
        local picker = new(list)
        local counts = hold(picker, list, 10)
        picker:update(endpoints(2, 2))
        picker:update(list)
        assert.same({ [list[1].id] = 5, [list[2].id] = 5 }, counts)
        for _ = 1, 2 do
            picker:done(list[1].id, 0.1, false)
        end
        -- 3 and 5 become 7 and 7.
        assert.same({ [list[1].id] = 4, [list[2].id] = 2 }, hold(picker, list, 6))
    end)

    it("counts tries that somebody else chose", function()
        local list = endpoints(1, 2)
        local picker = new(list)
        for _ = 1, 5 do
            picker:begin(list[1].id)
        end
        assert.same({ [list[2].id] = 4 }, hold(picker, list, 4))
    end)

    it("ignores an end without a beginning", function()
        local list = endpoints(1, 2)
        local picker = new(list)
        for _ = 1, 5 do
            picker:done(list[1].id, 0.1, false)
            picker:done("gone 80", 0.1, false)
        end
        local counts = hold(picker, list, 100)
        assert.is_true(math.abs(counts[list[1].id] - 50) <= 1)
    end)
end)
