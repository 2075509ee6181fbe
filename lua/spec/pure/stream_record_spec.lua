local stream_record = require "ingress.pure.stream_record"


describe("stream_record", function()
    local seen
    local deps = { policies = { load_balance = {
        validate = function(value)
            seen = value
            return value.bad and "load_balance is bad" or nil
        end,
    } } }

    local function refusal(members)
        local record = { digest = "x", backend = "backend/prod/db/5432" }
        for name, value in pairs(members) do
            record[name] = value
        end
        return stream_record.refusal(record, deps)
    end

    it("takes a backend, and a way to choose among its endpoints", function()
        assert.is_nil(refusal({}))
        local plain = { algorithm = "least_request" }
        assert.is_nil(refusal({ load_balance = plain }))
        assert.equal(plain, seen)
        for _, name in ipairs({ "binary_remote_addr", "remote_addr", "remote_port",
            "server_addr", "server_port" }) do
            local key = { { var = name }, { text = "-" } }
            assert.is_nil(refusal({ load_balance = { key = key } }))
        end
    end)

    it("refuses what is no backend, what it does not know and what the policy refuses", function()
        for _, backend in ipairs({ "", "host/default/a.example", 5, false }) do
            assert.equal("backend must be a backend key", refusal({ backend = backend }))
        end
        assert.matches("unknown member", refusal({ endpoints = {} }))
        assert.equal("load_balance is bad", refusal({ load_balance = { bad = true } }))
        assert.is_string(stream_record.refusal({ "backend" }, deps))
    end)

    it("refuses a key that only a request of HTTP has", function()
        assert.equal('load_balance.key[1]: a connection has no "uri"',
            refusal({ load_balance = { key = { { text = "x" }, { var = "uri" } } } }))
        assert.equal("load_balance.key[0]: a connection has no captures",
            refusal({ load_balance = { key = { { capture = 1 } } } }))
    end)
end)
