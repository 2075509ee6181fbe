local distinguished_name = require "ingress.pure.distinguished_name"

describe("the common name of a distinguished name", function()
    local CASES = {
        ["CN=alice"] = "alice",
        ["CN=alice,O=Example"] = "alice",
        ["O=Example,CN=alice"] = "alice",
        ["O=CN\\=mallory,CN=alice"] = "alice",
        ["O=a\\,CN=mallory,CN=alice"] = "alice",
        ["O=a\\\\,CN=alice"] = "alice",
        ["CN=alice+UID=7"] = "alice",
        ["CN=a\\,b"] = "a,b",
        ["CN=a\\2Cb"] = "a,b",
        ["CN=\\ a\\+\\\"\\ "] = " a+\" ",
        ["CN=\\C3\\A9"] = "\195\169",
        ["CN="] = "",
        ["1.2.3.4=x,CN=alice"] = "alice",
    }
    for text, name in pairs(CASES) do
        it(text, function()
            assert.equal(name, distinguished_name.common_name(text))
        end)
    end

    for _, text in ipairs({ "", "O=Example", "CN=alice,CN=bob", "CN=alice+CN=bob", "no name" }) do
        it("there is none in " .. text, function()
            assert.is_nil(distinguished_name.common_name(text))
        end)
    end
end)
