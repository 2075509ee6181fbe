local hash = require "ingress.pure.hash"
local rendezvous = require "ingress.pure.rendezvous"

local KEYS = 4000


local function candidates(weights)
    local list = {}
    for i, weight in ipairs(weights) do
        list[i] = { name = i, seed = hash.hash("candidate " .. i), weight = weight }
    end
    return list
end


-- Key -> number of its candidate.
local function assignment(weights)
    local list, owners = candidates(weights), {}
    for i = 1, KEYS do
        local chosen = rendezvous.choose(list, "client " .. i)
        owners[i] = chosen and chosen.name
    end
    return owners
end


local function share(owners, name)
    local count = 0
    for i = 1, KEYS do
        count = count + (owners[i] == name and 1 or 0)
    end
    return count / KEYS
end


describe("rendezvous", function()
    it("gives each candidate its share", function()
        local owners = assignment({ 10, 20, 0, 70 })
        for name, expected in pairs({ 0.1, 0.2, 0, 0.7 }) do
            -- Four standard deviations.
            local slack = 4 * math.sqrt(expected * (1 - expected) / KEYS)
            assert.is_true(math.abs(share(owners, name) - expected) <= slack, "of " .. name)
        end
    end)

    it("moves no key out of a candidate that gets more weight", function()
        local before = { 10, 20, 5, 65 }
        for name = 1, 3 do
            for _, more in ipairs({ 1, 10, 40 }) do
                local after = { unpack(before) }
                after[name], after[4] = after[name] + more, after[4] - more
                local old, new = assignment(before), assignment(after)
                for i = 1, KEYS do
                    assert.is_false(old[i] == name and new[i] ~= name)
                end
            end
        end
    end)

    it("has no answer when nobody has a weight", function()
        assert.is_nil(rendezvous.choose(candidates({ 0, 0 }), "x"))
        assert.equal(2, rendezvous.choose(candidates({ 0, 1 }), "x").name)
    end)
end)
