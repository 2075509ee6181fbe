local hash = require "ingress.pure.hash"


describe("hash", function()
    -- Those of the reference implementation (SMHasher, MurmurHash3_x86_32).
    it("is MurmurHash3", function()
        for _, case in ipairs({
            { "", 0, 0 },
            { "", 1, 0x514e28b7 },
            { "", 0xffffffff, 0x81f16f39 },
            { "\255\255\255\255", 0, 0x76293b50 },
            { "a", 0x9747b28c, 0x7fa09ea6 },
            { "aaaa", 0x9747b28c, 0x5a97808a },
            { "hello", 0, 0x248bfa47 },
            { "Hello, world!", 0x9747b28c, 0x24884cba },
            { "The quick brown fox jumps over the lazy dog", 0, 0x2e4ff723 },
        }) do
            assert.equal(case[3], hash.hash(case[1], case[2]))
        end
    end)

    it("has no seed by default", function()
        assert.equal(hash.hash("hello", 0), hash.hash("hello"))
    end)

    it("scatters counters over all 32 bits", function()
        local high, seen = 0, {}
        for i = 0, 4095 do
            local mixed = hash.mix(i)
            assert.is_true(mixed >= 0 and mixed < 2 ^ 32 and mixed % 1 == 0)
            assert.is_nil(seen[mixed])
            seen[mixed] = true
            high = high + (mixed >= 2 ^ 31 and 1 or 0)
        end
        assert.is_true(math.abs(high - 2048) < 200)
    end)

    it("takes sums of hashes", function()
        assert.equal(hash.mix(5), hash.mix(2 ^ 32 + 5))
        assert.equal(hash.mix(5), hash.mix(2 ^ 45 + 5))
    end)

    it("takes a text, or a number as a hash that was made before", function()
        assert.equal(hash.hash("198.18.0.1"), hash.of_key("198.18.0.1"))
        assert.equal(77, hash.of_key(77))
        assert.equal(77, hash.of_key(2 ^ 32 + 77.5))
    end)
end)
