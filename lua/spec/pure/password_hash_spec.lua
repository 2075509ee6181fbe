local cjson = require "cjson"
local password_hash = require "ingress.pure.password_hash"


describe("hashes of passwords", function()
    -- sidecar/source/secret/htpasswd.test.ts has the same cases: both sides agree.
    it("are of a known scheme as a whole, at a cost that is bearable, or of none", function()
        local file = assert(io.open("lua/spec/pure/password-hash-cases.json"))
        local cases = cjson.decode(file:read("*a"))
        file:close()
        for _, case in ipairs(cases) do
            assert.equal(case.scheme, password_hash.scheme(case.hash), case.hash)
        end
    end)

    it("may be the passwords themselves", function()
        assert.equal("PLAIN", password_hash.scheme("{PLAIN}open: sesame"))
        for _, hash in ipairs({ "{PLAIN}", "{PLAIN}a\nb", "{PLAIN}" .. ("a"):rep(600) }) do
            assert.is_nil(password_hash.scheme(hash), hash)
        end
    end)

    it("are cheap to check or not", function()
        assert.is_true(password_hash.is_cheap("SSHA"))
        assert.is_false(password_hash.is_cheap("apr1"))
    end)
end)
