local check_queue = require "ingress.health.check_queue"


local function take_all(queue)
    local names, lines = {}, {}
    local item, line = queue:take()
    while item do
        names[#names + 1], lines[#lines + 1] = item, line
        item, line = queue:take()
    end
    return names, lines
end


local function count(list, wanted)
    local found = 0
    for _, item in ipairs(list) do
        found = found + (item == wanted and 1 or 0)
    end
    return found
end


describe("check queue", function()
    it("gives the items of a namespace in their order", function()
        local queue = check_queue.new()
        for i = 1, 3 do
            queue:push("a", i)
        end
        assert.same({ 1, 2, 3 }, (take_all(queue)))
    end)

    it("has nothing when it is empty", function()
        assert.is_nil(check_queue.new():take())
    end)

    it("keeps room for others, however many checks one namespace has that do not end", function()
        local queue = check_queue.new()
        for _ = 1, 1000 do
            queue:push("many", "many")
        end
        local taken = take_all(queue)
        assert.equal(8, #taken)
        queue:push("few", "few")
        assert.same({ "few" }, (take_all(queue)))
    end)

    it("runs 64 at a time, the same number of each namespace", function()
        local queue = check_queue.new()
        for i = 1, 16 do
            for _ = 1, 20 do
                queue:push("namespace " .. i, i)
            end
        end
        local taken = take_all(queue)
        assert.equal(64, #taken)
        for i = 1, 16 do
            assert.equal(4, count(taken, i))
        end
    end)

    it("begins 64 of a namespace in a second, however quick they end", function()
        local queue, begun = check_queue.new(), 0
        for _ = 1, 200 do
            queue:push("a", "item")
        end
        local item, line = queue:take()
        while item do
            begun = begun + 1
            queue:finish(line)
            item, line = queue:take()
        end
        assert.equal(64, begun)
        queue:refill()
        assert.equal(8, #take_all(queue))
    end)

    it("goes on when checks have ended, until all had their turn", function()
        local queue, turns = check_queue.new(), 0
        for i = 1, 100 do
            for name = 1, 30 do
                queue:push(name, i)
            end
        end
        local items, lines = take_all(queue)
        while #items > 0 do
            turns = turns + #items
            for _, line in ipairs(lines) do
                queue:finish(line)
            end
            queue:refill()
            items, lines = take_all(queue)
        end
        assert.equal(3000, turns)
        assert.same({ {}, {}, 0 }, { queue.lines, queue.by_name, queue.running })
    end)
end)
