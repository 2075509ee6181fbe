local shared = require "spec.shared_dictionary"

local BACKEND, ID = "backend/test/web/80", "192.0.2.1 80"
local RULES = { time = 10, max_time = 300 }
local HOUR = 3600

local clock = shared.clock()
local dictionary = shared.new(clock)
package.loaded["resty.core.time"] = clock
package.loaded["ingress.change_counter"] = { HEALTH = 0, values = {} }
package.loaded["ingress.counters"] = { add = function() end }
_G.ngx = {
    log = function() end,
    shared = { resty_ingress_health = dictionary },
    worker = { pid = function() return 1 end },
}
local ejection = require "ingress.health.ejection"
local member = ejection.member(BACKEND, ID)


local function entry()
    local ejected = ejection.read()
    return ejected[BACKEND] and ejected[BACKEND][ID]
end


local function reason()
    local _, unhealthy = ejection.read()
    return unhealthy[BACKEND] and unhealthy[BACKEND][ID]
end


describe("ejection", function()
    before_each(function()
        dictionary.entries = {}
    end)

    it("is longer each time, and remembered for a while", function()
        ejection.eject(member, "error", RULES)
        assert.equal(clock.monotonic_time() + 10, entry().until_time)
        ejection.readmit(member)
        assert.is_nil(entry())
        ejection.eject(member, "timeout", RULES)
        assert.same({ until_time = clock.monotonic_time() + 20, times = 2, reason = "timeout" },
            entry())
        ejection.readmit(member)
        clock.advance(20 + 300)
        ejection.eject(member, "error", RULES)
        assert.equal(1, entry().times)
    end)

    it("goes on as before when the time of day is set", function()
        for _, step in ipairs({ -HOUR, HOUR }) do
            ejection.eject(member, "error", RULES)
            local before = entry()
            clock.set_date(step)
            assert.same(before, entry())
            ejection.eject(member, "error", RULES, true)
            assert.equal(2, entry().times)
            ejection.forget(member)
        end
    end)

    it("of an endpoint that nobody asks for is forgotten, and nothing of it stays", function()
        ejection.eject(member, "error", RULES)
        ejection.claim_probe(member)
        clock.advance(10 + 300)
        assert.is_nil(entry())
        assert.same({ "version" }, dictionary:get_keys())
    end)

    it("is probed once at a time; the probe of a worker that died is over some time", function()
        ejection.eject(member, "error", RULES)
        assert.is_true(ejection.claim_probe(member))
        clock.set_date(-HOUR)
        assert.is_false(ejection.claim_probe(member))
        assert.is_true(ejection.is_probed(member))
        clock.advance(120)
        assert.is_false(ejection.is_probed(member))
        assert.is_true(ejection.claim_probe(member))
    end)
end)


describe("results of checks", function()
    it("hold until nobody has repeated them for a while, whatever the time of day", function()
        for _, step in ipairs({ -HOUR, HOUR }) do
            ejection.set_unhealthy(BACKEND, ID, "http_500", 5)
            clock.set_date(step)
            assert.equal("http_500", reason())
            assert.equal("http_500", ejection.why_unhealthy(BACKEND, ID))
            clock.advance(5)
            assert.is_nil(reason())
            assert.is_nil(ejection.why_unhealthy(BACKEND, ID))
        end
    end)
end)
