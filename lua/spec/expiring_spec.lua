local shared = require "spec.shared_dictionary"

local clock = shared.clock()
package.loaded["resty.core.time"] = clock
local expiring = require "ingress.expiring"


describe("values that expire", function()
    local dictionary

    before_each(function()
        dictionary = shared.new(clock)
    end)

    it("hold for their seconds", function()
        expiring.set(dictionary, "key", "a value\nof two lines", 10)
        clock.advance(9.9)
        assert.equal("a value\nof two lines", expiring.get(dictionary, "key"))
        clock.advance(0.2)
        assert.is_nil(expiring.get(dictionary, "key"))
        assert.is_nil(expiring.get(dictionary, "another"))
    end)

    it("hold no longer and no shorter when the time of day is set", function()
        for _, step in ipairs({ -3600, 3600 }) do
            expiring.set(dictionary, "key", 1, 10)
            clock.set_date(step)
            clock.advance(9)
            assert.equal("1", expiring.get(dictionary, "key"))
            clock.advance(2)
            assert.is_nil(expiring.get(dictionary, "key"))
        end
    end)

    it("are added where there is none, or none that holds", function()
        assert.is_true(expiring.add(dictionary, "key", "first", 10))
        assert.same({ false, "exists" }, { expiring.add(dictionary, "key", "second", 10) })
        clock.advance(11)
        assert.is_true(expiring.add(dictionary, "key", "third", 10))
        assert.equal("third", expiring.get(dictionary, "key"))
    end)

    it("are over when another version wrote them", function()
        for _, value in ipairs({ "refused", '{"status": 200}', 7 }) do
            dictionary:set("key", value)
            assert.is_nil(expiring.get(dictionary, "key"))
            assert.is_true(expiring.add(dictionary, "key", "mine", 10))
            assert.equal("mine", expiring.get(dictionary, "key"))
        end
    end)

    it("are added by one of two workers that found the same one over", function()
        expiring.set(dictionary, "key", "before", 10)
        clock.advance(11)
        local slow = setmetatable({}, { __index = dictionary })
        -- It looked before the other one added its own.
        local seen = dictionary:get("key")
        slow.get = function()
            return seen
        end
        assert.is_true(expiring.add(dictionary, "key", "mine", 10))
        assert.is_false(expiring.add(slow, "key", "theirs", 10))
        assert.equal("mine", expiring.get(dictionary, "key"))
    end)
end)
