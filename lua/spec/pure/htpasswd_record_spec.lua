local htpasswd_record = require "ingress.pure.htpasswd_record"

local HASH = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="

local function refusal(users, other)
    return htpasswd_record.refusal({ digest = "a", users = users, other = other })
end


describe("records of users", function()
    it("are names with hashes", function()
        assert.is_nil(refusal({ alice = HASH, ["élise d'Arc"] = HASH }))
    end)

    it("are refused with reasons that hold no text of them", function()
        for _, users in ipairs({
            {}, { alice = "hidden" }, { ["hidden:x"] = HASH }, { [""] = HASH },
            { ["hidden\n"] = HASH },
            { alice = 1 }, { alice = {} }, { [("hidden"):rep(50)] = HASH }, { "hidden" },
        }) do
            local reason = refusal(users)
            assert.is_string(reason)
            assert.is_nil(reason:find("hidden", 1, true))
        end
        assert.is_string(refusal("hidden"))
        assert.is_string(refusal(nil))
        assert.is_string(refusal({ alice = HASH }, true))
    end)

    it("have an end", function()
        local users = {}
        for i = 1, 20001 do
            users["u" .. i] = HASH
        end
        assert.is_string(refusal(users))
    end)
end)
