local resilience = require "ingress.pure.resilience_record"


local function with(base, changes)
    local value = {}
    for name, member in pairs(base) do
        value[name] = member
    end
    for name, member in pairs(changes) do
        value[name] = member
    end
    return value
end


describe("resilience", function()
    local EJECTION = {
        failures = 5, time = 10, max_time = 300, max_percent = 50, server_errors = false,
    }
    local CHECK = { path = "/healthz", interval = 5, timeout = 2, healthy = 2, unhealthy = 3 }

    it("takes an ejection with all of its members in their bounds", function()
        assert.is_nil(resilience.ejection(EJECTION))
        assert.is_nil(resilience.ejection(with(EJECTION, { failures = 0, max_percent = 100 })))
        for _, bad in ipairs({
            {}, with(EJECTION, { failures = -1 }), with(EJECTION, { time = 0 }),
            with(EJECTION, { max_time = 1.5 }), with(EJECTION, { max_percent = 101 }),
            with(EJECTION, { server_errors = 1 }), with(EJECTION, { more = true }),
        }) do
            assert.is_string(resilience.ejection(bad))
        end
        assert.is_string(resilience.ejection(5))
    end)

    it("takes a retry budget", function()
        assert.is_nil(resilience.retry_budget({ percent = 20, min_per_second = 0 }))
        local negative = { percent = -1, min_per_second = 1 }
        for _, bad in ipairs({ {}, { percent = 20 }, negative, "20" }) do
            assert.is_string(resilience.retry_budget(bad))
        end
    end)

    it("takes a health check that can be sent as it is", function()
        assert.is_nil(resilience.health_check(CHECK))
        assert.is_nil(resilience.health_check(with(CHECK, {
            host = "a.example:80", port = 9000, statuses = { { 200, 299 }, { 401, 401 } },
            tls = { name = "web.internal", identity = "certificate/prod/tls", handshake = true },
        })))
        for _, change in ipairs({
            { path = "healthz" }, { path = "/a b" }, { path = "/a\r\nX: y" }, { path = 1 },
            { host = "a\r\nb" }, { host = "" }, { port = 0 }, { interval = 0 }, { timeout = "2" },
            { tls = { name = "a b" } }, { tls = { identity = "x" } }, { tls = true },
            { tls = { handshake = false } },
            { statuses = {} }, { statuses = { 200 } }, { statuses = { { 300, 200 } } },
            { unhealthy = 0 }, { headers = {} },
        }) do
            assert.is_string(resilience.health_check(with(CHECK, change)))
        end
    end)
end)
