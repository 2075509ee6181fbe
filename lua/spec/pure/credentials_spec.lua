local credentials = require "ingress.pure.credentials"

-- What the tests write in place of base64.
local TEXTS = {
    ["YQ=="] = "alice:secret", ["Yg=="] = "alice:a:b:", ["Yw=="] = "alice:", ["ZA=="] = ":secret",
    ["ZQ=="] = "alice", ["Zg=="] = "ali\0ce:secret", ["Zw=="] = "alice:sec\0ret",
    ["aA=="] = "alice:a\nb", ["aQ=="] = ("a"):rep(256) .. ":b", ["ag=="] = "a:" .. ("b"):rep(256),
    ["aw=="] = ("a"):rep(255) .. ":" .. ("b"):rep(255), ["bA=="] = "élise:pässwörd",
    ["bQ=="] = "alice:sec\127ret",
}

local function parse(header)
    return credentials.parse(header, function(text)
        return TEXTS[text]
    end)
end


describe("credentials of Basic", function()
    it("are a name and what follows the first colon", function()
        assert.same({ "alice", "secret" }, { parse("Basic YQ==") })
        assert.same({ "alice", "secret" }, { parse("bASIC   YQ== ") })
        assert.same({ "alice", "a:b:" }, { parse("Basic Yg==") })
        assert.same({ "alice", "" }, { parse("Basic Yw==") })
        assert.same({ "élise", "pässwörd" }, { parse("Basic bA==") })
        assert.same({ ("a"):rep(255), ("b"):rep(255) }, { parse("Basic aw==") })
    end)

    it("are none in any other form", function()
        for _, header in ipairs({
            "", "Basic", "Basic ", "BasicYQ==", "Bearer YQ==", "Basic YQ== x",
            "Basic YQ==, Basic YQ==", "Basic %%%%", "Basic YQ\n==", "Basic unknown=",
            "Basic ZA==", "Basic ZQ==", "Basic Zg==",
            "Basic Zw==", "Basic bQ==", "Basic aA==", "Basic aQ==", "Basic ag==", " Basic YQ==",
        }) do
            assert.is_nil(parse(header), header)
        end
        assert.is_nil(parse(nil))
    end)
end)


describe("the challenge", function()
    it("quotes what would end it", function()
        assert.equal('Basic realm=""', credentials.challenge(""))
        assert.equal('Basic realm="a \\"b\\" \\\\ $c"', credentials.challenge('a "b" \\ $c'))
    end)
end)
