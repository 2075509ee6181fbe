local custom_errors = require "ingress.policy.custom_errors"


describe("custom_errors", function()
    it("takes statuses of errors, and neither of those that mean something to NGINX", function()
        assert.is_nil(custom_errors.validate({ statuses = { 400, 404, 443, 445, 498, 599 } }))
        local refused = { { 399 }, { 600 }, { 404, 444 }, { 499 }, { "404" }, {} }
        for _, statuses in ipairs(refused) do
            assert.is_string(custom_errors.validate({ statuses = statuses }))
        end
    end)

    it("takes nothing else", function()
        local with_page = { statuses = { 404 }, page = "x" }
        for _, value in ipairs({ { statuses = 404 }, {}, with_page, "404" }) do
            assert.is_string(custom_errors.validate(value))
        end
        local many = {}
        for i = 1, 201 do
            many[i] = 404
        end
        assert.is_string(custom_errors.validate({ statuses = many }))
    end)
end)
