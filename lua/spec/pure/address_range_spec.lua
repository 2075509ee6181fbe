local address = require "ingress.pure.address"
local address_range = require "ingress.pure.address_range"


local function raw(text)
    return string.char(unpack(address.parse(text)))
end


describe("address_range", function()
    local function holds(range, text)
        local first, last = address_range.parse(range)
        local bytes = raw(text)
        return #bytes == #first and first <= bytes and bytes <= last
    end

    it("has a first and a last address", function()
        for range, ends in pairs({
            ["10.1.2.3/8"] = { "10.0.0.0", "10.255.255.255" },
            ["198.18.7.9/15"] = { "198.18.0.0", "198.19.255.255" },
            ["198.18.7.9"] = { "198.18.7.9", "198.18.7.9" },
            ["0.0.0.0/0"] = { "0.0.0.0", "255.255.255.255" },
            ["2001:db8::1/33"] = { "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff" },
        }) do
            local first, last = address_range.parse(range)
            assert.equal(raw(ends[1]), first, range)
            assert.equal(raw(ends[2]), last, range)
        end
    end)

    it("holds the addresses of a range, and no other", function()
        assert.is_true(holds("10.0.0.0/8", "10.255.0.1"))
        assert.is_false(holds("10.0.0.0/8", "11.0.0.1"))
        assert.is_true(holds("198.18.0.0/15", "198.19.255.255"))
        assert.is_false(holds("198.18.0.0/15", "198.20.0.0"))
        assert.is_true(holds("198.18.7.9", "198.18.7.9"))
        assert.is_false(holds("198.18.7.9", "198.18.7.8"))
        assert.is_true(holds("198.18.7.9/31", "198.18.7.8"))
        assert.is_true(holds("0.0.0.0/0", "255.255.255.255"))
        assert.is_true(holds("2001:db8::/33", "2001:db8:7fff::1"))
        assert.is_false(holds("2001:db8::/33", "2001:db8:8000::1"))
    end)

    it("tells the families apart", function()
        assert.is_false(holds("0.0.0.0/0", "2001:db8::1"))
        assert.is_false(holds("::/0", "10.0.0.1"))
    end)

    it("takes nothing else for a range", function()
        for _, text in ipairs({ "", "/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8/8",
            "a/8", "10.0.0.0 /8", "10.0.0.0/-1", ("1"):rep(100) }) do
            assert.is_nil(address_range.parse(text), text)
        end
        assert.is_nil(address_range.parse(nil))
        assert.is_nil(address_range.parse(8))
    end)
end)
