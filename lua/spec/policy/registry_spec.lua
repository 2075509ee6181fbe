local lfs = require "lfs"
local registry = require "ingress.policy.registry"


describe("policy registry", function()
    it("has every file, and every name has a file", function()
        local files = {}
        for name in lfs.dir("lua/ingress/policy") do
            local module = name:match("^(.*)%.lua$")
            if module and module ~= "registry" then
                files[module] = true
                assert.is_table(registry.by_name[module], module)
            end
        end
        for name in pairs(registry.by_name) do
            assert.is_true(files[name], name)
        end
    end)

    it("runs every policy that acts on a request, once", function()
        local order = {}
        for _, name in ipairs(registry.request_order) do
            assert.is_nil(order[name])
            order[name] = true
        end
        for name, policy in pairs(registry.by_name) do
            assert.equal((policy.apply or policy.compile) ~= nil, order[name] == true, name)
        end
    end)
end)
