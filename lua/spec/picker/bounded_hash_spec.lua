-- What ring_hash and maglev have in common.

local support = require "spec.picker.support"

local assignment = support.assignment
local endpoints = support.endpoints

local KEYS = 2000
local PINNED = { maglev = "555847885622", ring_hash = "258299267488" }


local function without(list, position)
    local rest = {}
    for i, endpoint in ipairs(list) do
        if i ~= position then
            rest[#rest + 1] = endpoint
        end
    end
    return rest
end


local function moved(before, after)
    local count = 0
    for key, id in pairs(before) do
        count = count + (after[key] ~= id and 1 or 0)
    end
    return count / KEYS
end


for _, name in ipairs({ "maglev", "ring_hash" }) do
    local algorithm = require("ingress.picker." .. name)

    local function new(list, seed)
        return algorithm.new(list, {}, support.deps(seed))
    end

    describe(name, function()
        it("sends a key to the same endpoint, in every worker", function()
            local list = endpoints(1, 9)
            local picker, other = new(list, 1), new(list, 2)
            for i = 1, 100 do
                local id = support.pick(picker, list, "key " .. i)
                assert.equal(id, support.pick(picker, list, "key " .. i))
                assert.equal(id, support.pick(other, list, "key " .. i))
            end
        end)

        -- Else all keys would move twice in a rolling update from a release to the next.
        it("sends a key to the same endpoint in every release", function()
            local picker, picked = new(endpoints(1, 9)), {}
            for i = 1, 12 do
                picked[i] = picker:pick("key " .. i)
            end
            assert.equal(PINNED[name], table.concat(picked))
        end)

        it("moves at most 1/n + 5 % of the keys when one of n endpoints goes or comes", function()
            for count = 2, 50 do
                local list = endpoints(1, count)
                local picker = new(list)
                local before = assignment(picker, list, KEYS)
                local rest = without(list, count % 7 % count + 1)
                picker:update(rest)
                local share = moved(before, assignment(picker, rest, KEYS))
                assert.is_true(share <= 1 / count + 0.05, count .. ": " .. share)
                if count % 10 == 0 then
                    picker:update(list)
                    assert.same(before, assignment(picker, list, KEYS))
                end
            end
        end)

        it("moves few keys while a weight rises", function()
            local before
            for weight = 10, 100, 10 do
                local list = endpoints(1, 5, { 100, 100, 100, 100, weight })
                local after = assignment(new(list), list, KEYS)
                local share = before and moved(before, after) or 0
                assert.is_true(share <= 0.07, share)
                before = after
            end
        end)

        it("brings a key back when its endpoint is no longer excluded", function()
            local list = endpoints(1, 5)
            local picker = new(list)
            local index = picker:pick("key")
            local excluded = { [list[index].id] = true }
            local other = picker:pick("key", excluded)
            assert.not_equal(index, other)
            assert.equal(other, picker:pick("key", excluded))
            assert.equal(index, picker:pick("key"))
        end)

        it("keeps a key where it belongs while few requests are in flight", function()
            local list = endpoints(1, 10)
            local picker = new(list)
            local index = picker:pick("hot")
            for _ = 2, 8 do
                assert.equal(index, picker:pick("hot"))
            end
        end)

        it("bounds what one endpoint gets of the requests in flight", function()
            local list = endpoints(1, 10)
            local picker = new(list)
            -- Those that have ended leave no room behind.
            for _ = 1, KEYS do
                picker:done(list[picker:pick("hot")].id, 0.1, false)
            end
            local counts, home = {}, picker:pick("hot")
            picker:done(list[home].id, 0.1, false)
            for _ = 1, 1000 do
                local index = picker:pick("hot")
                counts[index] = (counts[index] or 0) + 1
            end
            for index = 1, 10 do
                assert.is_true((counts[index] or 0) <= 126, counts[index])
            end
            assert.is_true(counts[home] >= 120)
            -- There is room again: the key comes home.
            for _ = 1, 10 do
                picker:done(list[home].id, 0.1, false)
            end
            assert.equal(home, picker:pick("hot"))
        end)

        it("spreads the keys of excluded endpoints also when nobody has room", function()
            local list = endpoints(1, 10)
            local picker = new(list)
            local excluded, counts = {}, {}
            for index = 1, 6 do
                excluded[list[index].id] = true
            end
            for i = 1, 4000 do
                local index = picker:pick("key " .. i, excluded)
                counts[index] = (counts[index] or 0) + 1
            end
            for index = 7, 10 do
                assert.is_true(math.abs(counts[index] - 1000) <= 300, counts[index])
            end
        end)

        it("bounds in proportion to weights", function()
            local list = endpoints(1, 2, { 30, 10 })
            local picker = new(list)
            local counts = { 0, 0 }
            for i = 1, 400 do
                local index = picker:pick("key " .. i % 2)
                counts[index] = counts[index] + 1
            end
            assert.is_true(counts[1] <= 376 and counts[2] <= 126, counts[1] .. " " .. counts[2])
        end)
    end)
end
