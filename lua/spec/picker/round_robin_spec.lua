local round_robin = require "ingress.picker.round_robin"


local function endpoints(...)
    local list = {}
    for i, id in ipairs({ ... }) do
        list[i] = { id = id }
    end
    return list
end


local function first(_, _)
    return 1
end


describe("round_robin", function()
    it("starts where the random number says", function()
        local list = endpoints("a", "b", "c")
        local seen = {}
        for start = 1, 3 do
            local picker = round_robin.new(list, {}, { random = function()
                return start
            end })
            seen[picker:pick()] = true
        end
        assert.same({ true, true, true }, seen)
    end)

    it("takes each in turn", function()
        local picker = round_robin.new(endpoints("a", "b", "c"), {}, { random = first })
        local picked = {}
        for i = 1, 6 do
            picked[i] = picker:pick()
        end
        assert.same({ 2, 3, 1, 2, 3, 1 }, picked)
    end)

    it("goes on after the endpoint that was last, wherever an update put it", function()
        local picker = round_robin.new(endpoints("a", "b", "c"), {}, { random = first })
        assert.equal(2, picker:pick())
        picker:update(endpoints("x", "y", "b", "z"))
        assert.equal(4, picker:pick())
        -- "z" is gone: after the nearest before it that stays.
        picker:update(endpoints("x", "b", "c"))
        assert.equal(3, picker:pick())
    end)
end)
