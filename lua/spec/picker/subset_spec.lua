local subset = require "ingress.picker.subset"
local support = require "spec.picker.support"

local endpoints = support.endpoints


local function new(list, size, seed)
    return subset.new(list, { subset_size = size }, support.deps(seed))
end


-- The endpoints that requests with a key go to: set of ids, its size.
local function members(picker, list, key, excluded)
    local ids, count = {}, 0
    for _ = 1, 60 do
        local id = support.pick(picker, list, key, excluded)
        count = count + (ids[id] and 0 or 1)
        ids[id] = true
    end
    return ids, count
end


local function missing(ids, from)
    local count = 0
    for id in pairs(ids) do
        count = count + (from[id] and 0 or 1)
    end
    return count
end


describe("subset", function()
    it("has as many members as it shall have", function()
        local list = endpoints(1, 12)
        for size = 1, 5 do
            local _, count = members(new(list, size), list, "key")
            assert.equal(size, count)
        end
    end)

    it("has three by default", function()
        local list = endpoints(1, 12)
        local _, count = members(subset.new(list, {}, support.deps()), list, "key")
        assert.equal(3, count)
    end)

    it("is bounded by what there is", function()
        local list = endpoints(1, 4)
        local _, count = members(new(list, 999999999), list, "key")
        assert.equal(4, count)
    end)

    it("is the same in every worker", function()
        local list = endpoints(1, 12)
        local one, other = new(list, 3, 1), new(list, 3, 2)
        for i = 1, 20 do
            assert.same((members(one, list, "key " .. i)), (members(other, list, "key " .. i)))
        end
    end)

    it("changes by one member at most when an endpoint goes, and only if that was one", function()
        local list = endpoints(1, 12)
        local picker = new(list, 3)
        local before = {}
        for i = 1, 50 do
            before[i] = members(picker, list, "key " .. i)
        end
        local rest = endpoints(1, 11)
        picker:update(rest)
        for i = 1, 50 do
            local after = members(picker, rest, "key " .. i)
            assert.equal(before[i][list[12].id] and 1 or 0, missing(before[i], after))
        end
    end)

    it("stays as it is while a weight rises, which decides inside of it", function()
        local before
        for _, weight in ipairs({ 20, 100 }) do
            local list = endpoints(1, 3, { 100, weight, 100 })
            local picker, share = new(list, 2), 0
            local now = {}
            for i = 1, 20 do
                now[i] = members(picker, list, "key " .. i)
            end
            assert.same(before or now, now)
            before = now
            for i = 1, 6000 do
                share = share + (support.pick(picker, list, "key " .. i) == list[2].id and 1 or 0)
            end
            -- In two of three subsets, there with weight / (weight + 100).
            local expected = 4000 * weight / (weight + 100)
            assert.is_true(math.abs(share - expected) <= 0.25 * expected, share)
        end
    end)

    it("fills up with other endpoints while members are excluded", function()
        local list = endpoints(1, 12)
        local picker = new(list, 3)
        local home = members(picker, list, "key")
        local gone = next(home)
        local ids, count = members(picker, list, "key", { [gone] = true })
        assert.equal(3, count)
        assert.equal(1, missing(ids, home))
    end)
end)
