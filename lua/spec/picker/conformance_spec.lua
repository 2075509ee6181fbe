-- What every picker must do, whatever its algorithm.

local PICKERS = { "random", "round_robin" }


local function endpoints(from, to)
    local list = {}
    for i = from, to do
        list[#list + 1] = { id = "198.18.0." .. i .. " 80" }
    end
    return list
end


local function counts(picker, list, picks)
    local count = {}
    for _ = 1, picks do
        local id = list[picker:pick()].id
        count[id] = (count[id] or 0) + 1
    end
    return count
end


for _, name in ipairs(PICKERS) do
    describe("picker " .. name, function()
        local algorithm = require("ingress.picker." .. name)
        local deps = { random = math.random, phase = math.random }

        it("says that there is no endpoint", function()
            local index, err = algorithm.new({}, {}, deps):pick()
            assert.is_nil(index)
            assert.equal("no endpoint", err)
        end)

        it("uses every endpoint equally", function()
            local list = endpoints(1, 7)
            local count = counts(algorithm.new(list, {}, deps), list, 7000)
            for _, endpoint in ipairs(list) do
                assert.is_true(math.abs(count[endpoint.id] - 1000) <= 150)
            end
        end)

        it("never returns a tried endpoint while another is left", function()
            local list = endpoints(1, 5)
            local picker = algorithm.new(list, {}, deps)
            for _ = 1, 50 do
                local tried = {}
                for _ = 1, #list do
                    local id = list[picker:pick(nil, tried)].id
                    assert.is_nil(tried[id])
                    tried[id] = true
                end
                assert.is_number(picker:pick(nil, tried))
            end
        end)

        it("goes on with new endpoints, also from and to none", function()
            local picker = algorithm.new(endpoints(1, 3), {}, deps)
            for _, list in ipairs({ endpoints(2, 9), endpoints(9, 9), {}, endpoints(1, 2) }) do
                picker:update(list)
                local index = picker:pick()
                assert.is_true(#list == 0 and index == nil or index >= 1 and index <= #list)
            end
        end)
    end)
end
