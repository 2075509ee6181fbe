local cors = require "ingress.policy.cors"


-- A right value with some members replaced.
local function refusal(changes)
    local value = { origins = { "*" }, methods = "GET", headers = "X-A, X-B", max_age = 1 }
    for name, member in pairs(changes) do
        value[name] = member
    end
    return cors.validate(value)
end


describe("cors", function()
    it("takes origins, lists and a time", function()
        assert.is_nil(refusal({}))
        assert.is_nil(refusal({
            origins = { "https://*.a.example:8443", "null", "http://[2001:db8::1]" },
            expose = "*", credentials = true, max_age = 0,
        }))
    end)

    it("refuses everything else", function()
        for _, origin in ipairs({
            "a.example", "https://", "https://a.example/", "https://a\r\nb", "",
        }) do
            assert.is_truthy(refusal({ origins = { origin } }), origin)
        end
        assert.is_truthy(refusal({ origins = {} }))
        assert.is_truthy(refusal({ origins = { 1 } }))
        assert.is_truthy(refusal({ methods = "GET\r\nX: y" }))
        assert.is_truthy(refusal({ headers = "" }))
        assert.is_truthy(refusal({ expose = "X-A;" }))
        assert.is_truthy(refusal({ credentials = false }))
        assert.is_truthy(refusal({ max_age = -1 }))
        assert.is_truthy(refusal({ other = true }))
    end)
end)
