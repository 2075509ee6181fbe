local password_hash = require "ingress.pure.password_hash"

local GOOD = {
    ["$2y$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"] = "bcrypt",
    ["$2a$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"] = "bcrypt",
    ["$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/"] = "apr1",
    ["$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1"] = "md5",
    ["$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM."] = "sha256",
    ["$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGf"
        .. "Qv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG."] = "sha512",
    ["{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="] = "SHA",
    ["{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0"] = "SSHA",
    ["{PLAIN}open: sesame"] = "PLAIN",
}
local BAD = {
    "", "secret", "abJnggxhB/yWI", "$2y$10$short", "$2x$10$" .. ("a"):rep(53),
    "$2y$13$" .. ("a"):rep(53), "$2y$03$" .. ("a"):rep(53), "$2y$1a$" .. ("a"):rep(53),
    "$2y$10$" .. ("a"):rep(52) .. ":", "$apr1$$" .. ("a"):rep(22),
    "$apr1$123456789$" .. ("a"):rep(22),
    "$apr1$abc$" .. ("a"):rep(23), "$1$abc$" .. ("a"):rep(22) .. "\n", "$7$abc$" .. ("a"):rep(43),
    "$5$rounds=999$abc$" .. ("a"):rep(43), "$5$rounds=700001$abc$" .. ("a"):rep(43),
    "$5$rounds=0x999$abc$" .. ("a"):rep(43), "$5$rounds=5000$" .. ("a"):rep(43),
    "$6$abc$" .. ("a"):rep(43), "$1$rounds=1000$abc$" .. ("a"):rep(22), "{SHA}",
    "{SHA}" .. ("a"):rep(28),
    "{SSHA}" .. ("a"):rep(27), "{SSHA}" .. ("a"):rep(25) .. "===", "{PLAIN}", "{PLAIN}a\nb",
    "{PLAIN}" .. ("a"):rep(600), "{sha}" .. ("a"):rep(27) .. "=",
}

describe("hashes of passwords", function()
    it("are of a known scheme", function()
        for hash, scheme in pairs(GOOD) do
            assert.equal(scheme, password_hash.scheme(hash), hash)
        end
    end)

    it("are refused as a whole, when too dear too", function()
        for _, hash in ipairs(BAD) do
            assert.is_nil(password_hash.scheme(hash), hash)
        end
        assert.equal("sha256", password_hash.scheme("$5$rounds=700000$abc$" .. ("a"):rep(43)))
        assert.equal("bcrypt", password_hash.scheme("$2b$12$" .. ("a"):rep(53)))
    end)

    it("are cheap to check or not", function()
        assert.is_true(password_hash.is_cheap("SSHA"))
        assert.is_false(password_hash.is_cheap("apr1"))
    end)
end)
