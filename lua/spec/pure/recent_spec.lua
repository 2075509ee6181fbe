local recent = require "ingress.pure.recent"


describe("recent", function()
    local dropped
    local keys

    before_each(function()
        dropped = {}
        keys = recent.new(3, function(key)
            dropped[#dropped + 1] = key
        end)
        for _, key in ipairs({ "a", "b", "c" }) do
            keys:use(key)
        end
    end)

    it("keeps as many as it may", function()
        keys:use("a")
        assert.same({}, dropped)
    end)

    it("drops one for each key that comes", function()
        keys:use("d")
        keys:use("e")
        assert.same({ "a", "b" }, dropped)
    end)

    it("keeps those that are used again and again", function()
        for number = 1, 100 do
            keys:use("b")
            keys:use(number)
        end
        assert.equal(99 + 2 - 1, #dropped)
        for _, key in ipairs(dropped) do
            assert.not_equal("b", key)
        end
    end)

    it("takes a dropped key back", function()
        keys:use("d")
        keys:use("a")
        assert.same({ "a", "b" }, dropped)
    end)
end)
