-- What every picker must do, whatever its algorithm.

local support = require "spec.picker.support"

local endpoints = support.endpoints
local pick = support.pick

local PICKERS = {
    { name = "ewma" },
    { name = "least_request" },
    { name = "maglev" },
    { name = "random" },
    { name = "ring_hash" },
    { name = "round_robin" },
    { name = "subset" },
    -- A subset of all: the shares of smaller ones depend on who is with whom.
    { name = "subset", options = { subset_size = 100 } },
}


local function set_of(list, from, to)
    local ids = {}
    for i = from, to do
        ids[list[i].id] = true
    end
    return ids
end


local function is_near(expected, actual, tolerance)
    assert.is_true(math.abs(actual - expected) <= tolerance * expected,
        "expected about " .. expected .. ", got " .. actual)
end


-- A random operation on a picker and its endpoints; `running` holds ids of requests in flight.
local function random_list(random)
    local from = random(1, 12)
    local weights = {}
    for i = 1, 24 do
        weights[i] = random(1, 3) == 1 and random(0, 100) / 4 or nil
    end
    return endpoints(from, from + random(-1, 12), random(1, 2) == 1 and weights or nil)
end


local function random_excluded(list, random)
    local excluded = {}
    for _, endpoint in ipairs(list) do
        excluded[endpoint.id] = random(1, 2) == 1 or nil
    end
    return random(1, 3) == 1 and excluded or nil
end


-- 0: may be picked at any time; 1: only when there is none of rank 0, and so on.
local function rank(endpoint, excluded)
    if excluded and excluded[endpoint.id] then
        return 2
    end
    return endpoint.weight == 0 and 1 or 0
end


local function best_rank(list, excluded)
    local best = 2
    for _, endpoint in ipairs(list) do
        best = math.min(best, rank(endpoint, excluded))
    end
    return best
end


local function check_pick(picker, list, random, running)
    local excluded = random_excluded(list, random)
    local index, err = picker:pick(random(1, 4) > 1 and "key " .. random(1, 50) or nil, excluded)
    if #list == 0 then
        assert.is_nil(index)
        assert.equal("no endpoint", err)
        return
    end
    assert.equal(best_rank(list, excluded), rank(list[index], excluded))
    running[#running + 1] = list[index].id
end


local function end_request(picker, random, running)
    local id = #running > 0 and table.remove(running, random(1, #running)) or "gone 80"
    picker:done(id, random(1, 5) > 1 and random() or nil, random(1, 4) == 1)
end


for _, case in ipairs(PICKERS) do
    local algorithm = require("ingress.picker." .. case.name)
    local options = case.options or {}

    local function new(list, deps)
        return algorithm.new(list, options, deps or support.deps())
    end

    local title = case.name .. (case.options and " of all" or "")
    describe("picker " .. title, function()
        it("says that there is no endpoint", function()
            local index, err = new({}):pick("key")
            assert.is_nil(index)
            assert.equal("no endpoint", err)
        end)

        it("has a single endpoint for everything", function()
            local list = endpoints(7, 7)
            local picker = new(list)
            local id = list[1].id
            assert.equal(1, picker:pick("key"))
            assert.equal(1, picker:pick(nil))
            assert.equal(1, picker:pick("key", { [id] = true }))
            list = endpoints(7, 7, { [7] = 0 })
            picker:update(list)
            assert.equal(1, picker:pick("key"))
            assert.equal(1, picker:pick("key", { [id] = true }))
        end)

        it("uses every endpoint about equally", function()
            local list = endpoints(1, 7)
            for _, count in pairs(support.counts(new(list), list, 7000)) do
                is_near(1000, count, 0.25)
            end
        end)

        it("takes a request without a key", function()
            local list, seen = endpoints(1, 5), {}
            local picker = new(list)
            for _ = 1, 200 do
                seen[pick(picker, list)] = true
            end
            assert.same(set_of(list, 1, 5), seen)
        end)

        it("never returns an excluded endpoint while another is left", function()
            local list = endpoints(1, 5)
            local picker = new(list)
            for turn = 1, 50 do
                local tried = {}
                for _ = 1, #list do
                    local id = pick(picker, list, "key " .. turn, tried)
                    assert.is_nil(tried[id])
                    tried[id] = true
                end
                assert.is_string(pick(picker, list, "key " .. turn, tried))
            end
        end)

        it("spreads what excluded endpoints would have had over the others", function()
            local list = endpoints(1, 10)
            local picker = new(list)
            local excluded, counts = set_of(list, 1, 6), {}
            for i = 1, 4000 do
                local id = pick(picker, list, "key " .. i, excluded)
                counts[id] = (counts[id] or 0) + 1
            end
            for i = 7, 10 do
                is_near(1000, counts[list[i].id], 0.3)
            end
        end)

        it("uses an endpoint of weight 0 only when no other is left", function()
            local list = endpoints(1, 3, { 1, 0, 1 })
            local picker = new(list)
            for i = 1, 100 do
                assert.not_equal(list[2].id, pick(picker, list, "key " .. i))
            end
            local others = { [list[1].id] = true, [list[3].id] = true }
            assert.equal(list[2].id, pick(picker, list, "key", others))
            assert.not_equal(list[2].id, pick(picker, list, "key", set_of(list, 1, 3)))
        end)

        it("uses endpoints of weight 0 when all have it", function()
            local list = endpoints(1, 3, { 0, 0, 0 })
            local picker = new(list)
            assert.is_string(pick(picker, list, "key"))
            assert.equal(list[2].id, pick(picker, list, "key",
                { [list[1].id] = true, [list[3].id] = true }))
        end)

        it("goes on with new endpoints, also from and to none", function()
            local picker = new(endpoints(1, 3))
            for _, list in ipairs({ endpoints(2, 9), endpoints(9, 9), {}, endpoints(1, 2) }) do
                picker:update(list)
                local seen = {}
                for i = 1, #list * 50 do
                    seen[pick(picker, list, "key " .. i)] = true
                end
                assert.same(set_of(list, 1, #list), seen)
            end
        end)

        it("is told of tries that others choose if it wants to know of ends", function()
            local picker = new(endpoints(1, 2))
            assert.equal(picker.done ~= nil, picker.begin ~= nil)
        end)

        it("survives any order of operations", function()
            local random = support.generator(4711)
            local list = endpoints(1, 5)
            local deps = support.deps(42)
            local picker, running = new(list, deps), {}
            for _ = 1, 10000 do
                local operation = random(1, 100)
                if operation == 1 then
                    list = random_list(random)
                    picker:update(list)
                elseif operation <= 45 and picker.done then
                    end_request(picker, random, running)
                else
                    check_pick(picker, list, random, running)
                end
                deps.advance(random() / 100)
            end
        end)

        it("takes a picker with thousands of endpoints", function()
            local list = {}
            for i = 1, 3000 do
                list[i] = { id = "198.18." .. i % 200 .. "." .. i .. " 80" }
            end
            local picker, seen, count = new(list), {}, 0
            for i = 1, 2000 do
                local id = pick(picker, list, "key " .. i)
                count = count + (seen[id] and 0 or 1)
                seen[id] = true
            end
            -- 3000 * (1 - e^(-2000 / 3000)) when they are drawn evenly.
            assert.is_true(count > 1300, count)
        end)
    end)

    if case.name ~= "subset" or case.options then
        it(title .. " respects weights", function()
            local weights = { 1, 2, 4, 8, 10 }
            local list = endpoints(1, 5, weights)
            local picker = new(endpoints(1, 5))
            picker:update(list)
            local counts = support.counts(picker, list, 10000)
            for i, weight in ipairs(weights) do
                is_near(400 * weight, counts[list[i].id], 0.25)
            end
        end)
    end
end
