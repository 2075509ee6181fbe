local round_robin = require "ingress.picker.round_robin"


local function endpoints(...)
    local list = {}
    for i, id in ipairs({ ... }) do
        list[i] = { id = id }
    end
    return list
end


local function weighted(...)
    local list = {}
    for i, weight in ipairs({ ... }) do
        list[i] = { id = string.char(96 + i), weight = weight }
    end
    return list
end


local function new(list, phase)
    return round_robin.new(list, {}, { phase = function()
        return phase or 0
    end })
end


local function picked(picker, picks)
    local ids = {}
    for i = 1, picks do
        ids[i] = picker.endpoints[picker:pick()].id
    end
    return table.concat(ids)
end


local function count_of(text, id)
    return select(2, text:gsub(id, id))
end


describe("round_robin", function()
    it("starts where the phase says", function()
        local list = endpoints("a", "b", "c", "d")
        assert.equal("abcda", picked(new(list, 0), 5))
        assert.equal("cdabc", picked(new(list, 0.5), 5))
        assert.equal("dabcd", picked(new(list, 0.999), 5))
    end)

    it("goes on after the endpoint that was last, wherever an update put it", function()
        local picker = new(endpoints("a", "b", "c"))
        assert.equal("ab", picked(picker, 2))
        picker:update(endpoints("x", "y", "b", "z"))
        assert.equal("z", picked(picker, 1))
        -- "z" is gone: after the nearest before it that stays.
        picker:update(endpoints("x", "b", "c"))
        assert.equal("c", picked(picker, 1))
    end)

    it("starts anew when there were no endpoints", function()
        local picker = new({}, 0.5)
        picker:update(endpoints("a", "b", "c", "d"))
        assert.equal("cd", picked(picker, 2))
    end)

    -- However two workers share 20 requests for 10 peers: nobody gets more than 3 or nothing.
    it("spreads few requests of two workers evenly over many peers", function()
        local list = endpoints("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
        for share = 0, 20 do
            local all = picked(new(list, 0.23), share) .. picked(new(list, 0.73), 20 - share)
            for _, endpoint in ipairs(list) do
                local count = count_of(all, endpoint.id)
                assert.is_true(count >= 1 and count <= 3, share .. ": " .. all)
                assert.is_true(share % 5 ~= 0 or count == 2, share .. ": " .. all)
            end
        end
    end)

    describe("with weights", function()
        it("spreads the turns of a heavy endpoint", function()
            local turns = picked(new(weighted(5, 1, 1)), 7)
            assert.equal(5, count_of(turns, "a"))
            assert.equal(1, count_of(turns, "b"))
            assert.equal(1, count_of(turns, "c"))
            assert.is_nil((turns .. turns):find("aaaaa"))
            assert.is_nil((turns .. turns):find("bc"))
        end)

        it("gives each its share in every stretch, wherever it starts", function()
            local weights = { 10, 1, 4, 4, 1 }
            for phase = 0, 0.95, 0.05 do
                local turns = picked(new(weighted(10, 1, 4, 4, 1), phase), 200)
                for stretch = 1, 180, 7 do
                    local part = turns:sub(stretch, stretch + 19)
                    for i, weight in ipairs(weights) do
                        local count = count_of(part, string.char(96 + i))
                        assert.is_true(math.abs(count - weight) <= 1, part)
                    end
                end
            end
        end)

        it("has no turns for who weighs nothing", function()
            for phase = 0, 0.9, 0.1 do
                local picker = new(weighted(1, 0, 2), phase)
                assert.is_nil(picked(picker, 6):find("b"))
                assert.equal(3, picker:pick(nil, { a = true }))
            end
        end)

        it("starts workers with different endpoints", function()
            local first = {}
            for phase = 0, 0.9, 0.1 do
                first[picked(new(weighted(1, 2, 1, 2, 1, 2, 1, 2, 1, 2), phase), 1)] = true
            end
            local count = 0
            for _ in pairs(first) do
                count = count + 1
            end
            assert.is_true(count >= 5)
        end)

        it("raises an endpoint step by step without a burst or a pause", function()
            local picker = new(weighted(10, 10, 10))
            picked(picker, 4)
            for weight = 1, 10 do
                picker:update(weighted(10, 10, 10, weight))
                local expected = 31 * weight / (30 + weight)
                local turns = picked(picker, 31)
                assert.is_true(math.abs(count_of(turns, "d") - expected) <= 1.5, turns)
                assert.is_nil(turns:find("dd"), turns)
            end
        end)

        it("keeps the position when weights become different, and equal again", function()
            local picker = new(endpoints("a", "b", "c", "d"))
            assert.equal("ab", picked(picker, 2))
            picker:update(weighted(100, 100, 100, 100, 1))
            assert.equal("cdab", picked(picker, 4))
            picker:update(weighted(100, 100, 100, 100, 100))
            assert.equal("cdea", picked(picker, 4))
        end)

        it("goes on when the scale of the weights changes", function()
            local picker, other = new(weighted(1, 2, 1, 3)), new(weighted(1, 2, 1, 3))
            assert.equal(picked(other, 3), picked(picker, 3))
            picker:update(weighted(100, 200, 100, 300))
            assert.equal(picked(other, 20), picked(picker, 20))
        end)

        it("gives newcomers their turns, however many came and went before", function()
            local list = weighted(1, 1, 1, 1, 1, 1, 2)
            local picker = new(list)
            for i = 1, 40 do
                local after, gone = {}, picker:pick()
                for index, endpoint in ipairs(list) do
                    local stays = index ~= gone or endpoint.weight == 2
                    after[index] = stays and endpoint or { id = "new " .. i, weight = 1 }
                end
                list = after
                picker:update(list)
            end
            local counts = {}
            for _ = 1, 16 do
                local index = picker:pick()
                counts[index] = (counts[index] or 0) + 1
            end
            for index, endpoint in ipairs(list) do
                local count = counts[index] or 0
                assert.is_true(math.abs(count - 2 * endpoint.weight) <= 1, index .. ": " .. count)
            end
        end)

        it("keeps what endpoints are owed when another goes", function()
            local picker = new(weighted(4, 1, 1, 1))
            local before = picked(picker, 5)
            picker:update(weighted(4, 1, 1))
            local turns = before:gsub("d", "") .. picked(picker, 18)
            for i, share in ipairs({ 4, 1, 1 }) do
                local expected = #turns * share / 6
                assert.is_true(math.abs(count_of(turns, string.char(96 + i)) - expected) <= 2)
            end
        end)
    end)
end)
