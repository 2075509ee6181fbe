local spellings = require "ingress.policy.header_spellings"


local function names(list)
    return { names = list }
end


describe("spellings of headers", function()
    it("are of names", function()
        assert.is_nil(spellings.validate(names({ "x-real-ip" })))
        assert.is_truthy(spellings.validate(names({ "x\n" })))
        assert.is_truthy(spellings.validate(names("x")))
        assert.is_truthy(spellings.validate({ names = {}, other = 1 }))
    end)

    it("matter where settings say so, or an object names a header that has several", function()
        local function default(policies, setting)
            return spellings.default({ policies = policies }, setting or {})
        end
        local said = names({ "x-real-ip" })
        assert.equal(said, default({}, { header_spellings = said }))
        assert.is_nil(default({}))
        assert.is_nil(default({ request_headers = { { set = "X-User" }, { remove = "X-A-*" } } }))
        assert.is_truthy(default({ request_headers = { { remove = "X_User" } } }))
        assert.is_truthy(default({ external_auth = { response_headers = { "X.User" } } }))
    end)
end)
