local host_name = require "ingress.pure.host_name"


describe("host_name", function()
    it("normalises a Host header as NGINX does", function()
        local cases = {
            ["a.example"] = "a.example",
            ["A.Example"] = "a.example",
            ["a.example:8080"] = "a.example",
            ["a.example."] = "a.example",
            ["a.example.:80"] = "a.example",
            ["a.example:"] = "a.example",
            ["[2001:DB8::1]:80"] = "[2001:db8::1]",
            ["[2001:db8::1]"] = "[2001:db8::1]",
            ["198.18.0.1:80"] = "198.18.0.1",
            ["a_b.example"] = "a_b.example",
            ["\195\164.example"] = "\195\164.example",
            [""] = "",
        }
        for header, host in pairs(cases) do
            assert.equal(host, host_name.normalise(header), header)
        end
    end)

    it("makes nothing of a Host header that could be read differently", function()
        for _, header in ipairs({
            "a.example:x", "a.example:80@b.example", "a@b.example", "a.example/x", "a.example?x",
            "a.example#x", "a.example\\x", "a.example,b.example", "a.example b.example",
            "a%2Eexample", "a.example\0", "a.example;x", "[a.example]", "[::1", "[::1]x", "[::1]:x",
            "[]",
            "[::1]:80:80", "::1", "a:1:2",
        }) do
            assert.equal("", host_name.normalise(header), header)
        end
    end)

    it("replaces exactly one label by the wildcard", function()
        assert.equal("*.example.com", host_name.wildcard("www.example.com"))
        assert.equal("*.b.example.com", host_name.wildcard("a.b.example.com"))
        assert.equal("*.com", host_name.wildcard("example.com"))
        assert.is_nil(host_name.wildcard("localhost"))
        assert.is_nil(host_name.wildcard(""))
        assert.is_nil(host_name.wildcard("_"))
        -- No label is left of the dot.
        assert.is_nil(host_name.wildcard(".com"))
    end)

    it("knows the hosts of records", function()
        local label = ("a"):rep(63)
        local right = {
            "_", "a", "a.example", "*.example", "*.a.example", "1.2", "x-y.z", label .. ".b",
            ("a."):rep(126) .. "b",
        }
        local wrong = {
            "", "*", "*.", "*.*.a", "a.*", "A.example", "a..b", ".a", "a.", "-a", "a-", "a_b",
            "a b", "a/b", "a:80", "a\0", label .. "a.b", ("a."):rep(127) .. "b", "*a.example",
            "ä.example", ("a."):rep(126) .. "bb",
        }
        for _, text in ipairs(right) do
            assert.is_true(host_name.is_record_host(text), text)
        end
        for _, text in ipairs(wrong) do
            assert.is_false(host_name.is_record_host(text), text)
        end
    end)
end)
