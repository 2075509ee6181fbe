local address = require "ingress.pure.address"
local address_range = require "ingress.pure.address_range"
local address_set = require "ingress.pure.address_set"


local function raw(text)
    return string.char(unpack(address.parse(text)))
end


local function random_address()
    return ("198.18.%d.%d"):format(math.random(0, 3), math.random(0, 255))
end


describe("address_set", function()
    it("holds what any of its ranges holds, however they overlap", function()
        math.randomseed(20261125)
        for _ = 1, 200 do
            local texts, ranges = {}, {}
            for i = 1, math.random(0, 12) do
                texts[i] = random_address() .. "/" .. math.random(20, 32)
                ranges[i] = { address_range.parse(texts[i]) }
            end
            local set = address_set.new(texts)
            for _ = 1, 50 do
                local client = raw(random_address())
                local expected = false
                for _, range in ipairs(ranges) do
                    expected = expected or range[1] <= client and client <= range[2]
                end
                assert.equal(expected, set:holds(client), table.concat(texts, " "))
            end
        end
    end)

    it("ends where its ranges do", function()
        local set = address_set.new({ "198.18.7.0/24", "198.18.9.9", "0.0.0.0/8", "255.0.0.0/9" })
        for text, expected in pairs({
            ["198.18.6.255"] = false, ["198.18.7.0"] = true, ["198.18.7.255"] = true,
            ["198.18.8.0"] = false, ["198.18.9.8"] = false, ["198.18.9.9"] = true,
            ["198.18.9.10"] = false, ["0.0.0.0"] = true, ["0.255.255.255"] = true,
            ["1.0.0.0"] = false, ["255.127.255.255"] = true, ["255.128.0.0"] = false,
        }) do
            assert.equal(expected, set:holds(raw(text)), text)
        end
    end)

    it("keeps the families apart", function()
        local both = address_set.new({ "10.0.0.0/8", "2001:db8::/33" })
        assert.is_true(both:holds(raw("2001:db8:7fff:ffff:ffff:ffff:ffff:ffff")))
        assert.is_false(both:holds(raw("2001:db8:8000::")))
        assert.is_false(both:holds("\10\0\0\0" .. ("\0"):rep(12)))
        assert.is_false(address_set.new({ "::/0" }):holds(raw("10.0.0.1")))
        assert.is_false(address_set.new({ "0.0.0.0/0" }):holds(raw("2001:db8::1")))
    end)

    it("takes a mapped address for the IPv4 address inside it", function()
        local mapped = ("\0"):rep(10) .. "\255\255\10\1\2\3"
        assert.is_true(address_set.new({ "10.0.0.0/8" }):holds(mapped))
        assert.is_true(address_set.new({ "::ffff:10.1.2.3" }):holds(raw("10.1.2.3")))
        assert.is_false(address_set.new({ "::/0" }):holds(mapped))
    end)

    it("holds nothing that is no address", function()
        local set = address_set.new({ "0.0.0.0/0", "::/0" })
        assert.is_false(set:holds(""))
        assert.is_false(set:holds("unix:"))
        assert.is_false(address_set.new({}):holds(raw("10.0.0.1")))
    end)
end)
