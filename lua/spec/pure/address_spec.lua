local address = require "ingress.pure.address"


describe("address", function()
    local function class(text)
        local bytes = address.parse(text)
        return bytes and address.classify(bytes)
    end

    it("parses and classifies IPv4", function()
        assert.equal("ordinary", class("198.18.0.1"))
        assert.equal("ordinary", class("10.1.2.3"))
        assert.equal("loopback", class("127.0.0.1"))
        assert.equal("loopback", class("127.255.255.254"))
        assert.equal("unspecified", class("0.0.0.0"))
        assert.equal("unspecified", class("0.1.2.3"))
        assert.equal("link-local", class("169.254.169.254"))
        assert.equal("ordinary", class("169.253.1.1"))
        assert.equal("multicast", class("224.0.0.1"))
        assert.equal("multicast", class("255.255.255.255"))
    end)

    it("parses and classifies IPv6", function()
        assert.equal("ordinary", class("2001:db8::5"))
        assert.equal("ordinary", class("2001:db8:0:0:0:0:0:5"))
        assert.equal("ordinary", class("fd00::1"))
        assert.equal("ordinary", class("1::"))
        assert.equal("loopback", class("::1"))
        assert.equal("loopback", class("0:0:0:0:0:0:0:1"))
        assert.equal("unspecified", class("::"))
        assert.equal("link-local", class("fe80::1"))
        assert.equal("link-local", class("FEBF::1"))
        assert.equal("ordinary", class("fec0::1"))
        assert.equal("multicast", class("ff02::1"))
    end)

    it("judges an IPv4-mapped address as the IPv4 address inside it", function()
        assert.equal("loopback", class("::ffff:127.0.0.1"))
        assert.equal("loopback", class("::ffff:7f00:1"))
        assert.equal("loopback", class("0:0:0:0:0:FFFF:127.0.0.1"))
        assert.equal("link-local", class("::ffff:169.254.169.254"))
        assert.equal("ordinary", class("::ffff:198.18.0.1"))
        assert.same(address.parse("198.18.0.1"), address.parse("::ffff:c612:1"))
    end)

    it("judges an address that only leads to an IPv4 address by that", function()
        assert.equal("loopback", class("64:ff9b::127.0.0.1"))
        assert.equal("link-local", class("64:ff9b::a9fe:a9fe"))
        assert.equal("ordinary", class("64:ff9b::198.18.0.1"))
        assert.equal("ordinary", class("64:ff9b:1::127.0.0.1"))
        assert.equal("ordinary", class("64:ff9b::1:7f00:1"))
        assert.equal("loopback", class("2002:7f00:1::"))
        assert.equal("link-local", class("2002:a9fe:a9fe::1"))
        assert.equal("ordinary", class("2002:c612:1::1"))
    end)

    it("knows where clouds hand out credentials", function()
        assert.equal("metadata", class("100.100.100.200"))
        assert.equal("metadata", class("::ffff:168.63.129.16"))
        assert.equal("metadata", class("192.0.0.192"))
        assert.equal("metadata", class("fd00:ec2::254"))
        assert.equal("metadata", class("fd20:ce::254"))
        assert.equal("ordinary", class("fd00:ec2::253"))
        assert.equal("ordinary", class("100.100.100.201"))
    end)

    it("gives equal text to equal addresses", function()
        local function canonical(text)
            return address.canonical(address.parse(text))
        end
        assert.equal(canonical("2001:DB8::5"), canonical("2001:0db8:0:0::0005"))
        assert.equal(canonical("198.18.0.1"), canonical("::ffff:198.18.0.1"))
        assert.not_equal(canonical("198.18.0.1"), canonical("198.18.0.2"))
    end)

    it("refuses what is not exactly one numeric address", function()
        local wrong = {
            "", " ", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.4 ", " 1.2.3.4", "01.2.3.4",
            "1.2.3.256", "1.2.3.-4", "0x7f.0.0.1", "2130706433", "1.2.3.4:80", "1.2.3.4\0",
            "1..2.3",
            "[::1]", "::1%lo", ":::", "::1::", ":1", "1:", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
            "1::2:3:4:5:6:7:8", "::12345", "::g", "::1.2.3", "::1.2.3.4.5", "::1.2.3.4:5",
            "1.2.3.4::",
            "::256.0.0.1", "unix:/x", ("1"):rep(100), "::" .. ("0"):rep(60), ("1:"):rep(30),
        }
        for _, text in ipairs(wrong) do
            assert.is_nil(address.parse(text), text)
        end
    end)
end)
