local policies = require "ingress.policy.registry"
local record = require "ingress.pure.record"


local deps = {
    policies = policies.by_name,
    compiles = function(pattern)
        if pattern == "(" then
            return nil, "missing )"
        end
        return true
    end,
    refusal = function(bytes)
        return bytes[1] == 127 and "a loopback address" or nil
    end,
    pair = function(chain, key)
        if chain ~= key then
            return nil, "the key does not fit"
        end
        return true
    end,
}


local function origin(name)
    return { kind = "Ingress", namespace = "prod", name = name, service = "web", port = "80" }
end


local function weighted(key, weight)
    return { backends = { { backend = key, weight = weight } } }
end


local function policy(name, value)
    return { policies = { [name] = value } }
end


local function route(changes)
    local value = {
        path = "/",
        pathType = "Prefix",
        backends = { { backend = "backend/prod/web/80", weight = 1 } },
        policies = {},
        origin = origin("shop"),
    }
    for name, change in pairs(changes or {}) do
        value[name] = change
    end
    return value
end


-- A route with one canary.
local function canary(changes, decision)
    local arm = {
        backend = "backend/prod/next/80", weight = 10, policies = {}, origin = origin("next"),
    }
    for name, change in pairs(changes) do
        arm[name] = change
    end
    return { canaries = { arm }, canary = decision or { total = 100, sticky = true } }
end


local function host(changes)
    local value = { digest = "1", routes = { route(changes) } }
    return record.refusal("host/default/a.example", value, deps)
end


local function refusal(key, value)
    return record.refusal(key, value, deps)
end


local function backend(endpoints)
    return record.refusal("backend/a/b/80", { digest = "1", endpoints = endpoints }, deps)
end


local function many(count)
    local list = {}
    for i = 1, count do
        list[i] = { "198.18.0.1", i }
    end
    return list
end


describe("record", function()
    it("accepts right records", function()
        assert.is_nil(host())
        assert.is_nil(host({ path = "/a", pathType = "Exact", class = "c0f", closed = "why" }))
        assert.is_nil(host({ path = "[a-z]", pathType = "Regex" }))
        assert.is_nil(host({ policies = {
            body_size = { max = 0 },
            retries = { tries = 0, timeout = 5 },
            timeouts = { connect = 1 },
            tls_redirect = { code = 308, port = 443 },
        } }))
        assert.is_nil(backend({}))
        assert.is_nil(backend({ { "198.18.0.1", 80 }, { "2001:db8::1", 65535 } }))
        assert.is_nil(backend(many(20000)))
        assert.is_nil(refusal("certificate/default", { digest = "1", chain = "x", key = "x" }))
        assert.is_nil(refusal("setting/global", { digest = "1", timeouts = { read = 9 } }))
    end)

    it("says what is wrong with a route", function()
        local wrong = {
            [".path must begin with a slash"] = { path = "a" },
            [".path must be text"] = { path = "/a\0b" },
            [".pathType must be"] = { pathType = "prefix" },
            [".path is no regular expression: missing )"] = { path = "(", pathType = "Regex" },
            [".class must be the name"] = { class = "c-1;" },
            [".backends must be a list"] = { backends = { a = 1 } },
            [".backends[0].backend must be"] = weighted("host/default/a", 1),
            [".backends[0].weight must be"] = weighted("backend/a/b/80", -1),
            ['unknown policy "snippet"'] = { policies = { snippet = "x" } },
            ["tls_redirect.code must be"] = policy("tls_redirect", { code = 200, port = 443 }),
            ["tls_redirect.port must be"] = policy("tls_redirect", { code = 301, port = 0 }),
            ["body_size.max must be"] = { policies = { body_size = { max = 1.5 } } },
            ["timeouts.read must be"] = { policies = { timeouts = { read = 0 } } },
            ["retries.tries must be"] = { policies = { retries = { tries = "3" } } },
            [".closed must be text"] = { closed = true },
            [".origin must be an object"] = { origin = "x" },
            [".origin.name must be text"] = { origin = origin("b\n") },
            ['unknown member "priority"'] = { priority = 1 },
        }
        for reason, changes in pairs(wrong) do
            local answer = host(changes) or "accepted"
            assert.is_truthy(answer:find(reason, 1, true), reason .. " <> " .. answer)
        end
    end)

    it("accepts canaries", function()
        assert.is_nil(host(canary({})))
        assert.is_nil(host(canary({
            header = { name = "x-canary", pattern = "^a" },
            cookie = "canary",
            policies = {
                load_balance = { algorithm = "maglev", key = { { var = "http_x" } } },
                affinity = { name = "route", mode = "persistent", path = "/a", max_age = -1 },
            },
        }, { total = 100, sticky = true, key = { { capture = 1 } } })))
    end)

    it("says what is wrong with a canary", function()
        local arm = canary
        local wrong = {
            ["must have both canary and canaries"] = { canaries = {} },
            [".canary.total must be"] = canary({}, { total = 0, sticky = true }),
            [".canary.sticky must be"] = canary({}, { total = 100 }),
            [".canary.key[0].var: there is no variable"] =
                canary({}, { total = 100, sticky = true, key = { { var = "no" } } }),
            [".canaries: the weights are more than the total"] = arm({ weight = 101 }),
            [".canaries[0].weight must be"] = arm({ weight = -1 }),
            [".canaries[0].backend must be"] = arm({ backend = "host/default/a" }),
            [".canaries[0].header.name must be"] = arm({ header = { name = "X-A" } }),
            [".header must not have both"] =
                arm({ header = { name = "x", value = "a", pattern = "b" } }),
            [".header.pattern is no regular expression: missing )"] =
                arm({ header = { name = "x", pattern = "(" } }),
            [".canaries[0].cookie must be"] = arm({ cookie = "a b" }),
            ['.policies has an unknown member "timeouts"'] = arm({ policies = { timeouts = {} } }),
            ["affinity.mode must be"] = arm({ policies = { affinity = { name = "a" } } }),
            [".canaries[0].origin must be an object"] = arm({ origin = "x" }),
        }
        for reason, changes in pairs(wrong) do
            local answer = host(changes) or "accepted"
            assert.is_truthy(answer:find(reason, 1, true), reason .. " <> " .. answer)
        end
    end)

    it("refuses what could end an attribute of the cookie early", function()
        local wrong = {
            ["affinity.name"] = { name = "a;b", mode = "balanced" },
            ["affinity.path"] = { name = "a", mode = "balanced", path = "/a;Secure" },
            ["affinity.domain"] = { name = "a", mode = "balanced", domain = "a.example; x" },
            ["affinity.same_site"] = { name = "a", mode = "balanced", same_site = "lax" },
            ["affinity.max_age"] = { name = "a", mode = "balanced", max_age = "1" },
            ["affinity.expires"] = { name = "a", mode = "balanced", expires = 1e10 },
            ["affinity.secure"] = { name = "a", mode = "balanced", secure = 1 },
        }
        for reason, value in pairs(wrong) do
            local answer = host({ policies = { affinity = value } }) or "accepted"
            assert.is_truthy(answer:find(reason, 1, true), reason .. " <> " .. answer)
        end
    end)

    it("says what is wrong with attributes of an endpoint, and with a salt", function()
        local function endpoint(attributes)
            return backend({ { "198.18.0.1", 80, attributes } })
        end
        assert.is_nil(endpoint({ draining = true, priority = 1 }))
        assert.is_truthy(endpoint({ priority = 2 }):find("priority must be", 1, true))
        assert.is_truthy(endpoint({ draining = "yes" }):find("draining must be", 1, true))
        assert.is_truthy(endpoint({ zone = "a" }):find("unknown member", 1, true))
        local function salted(salt)
            return refusal("backend/a/b/80", { digest = "1", endpoints = {}, salt = salt })
        end
        assert.is_nil(salted("00ff"))
        assert.is_truthy(salted("x"):find("salt must be", 1, true))
    end)

    it("says what is wrong with an endpoint", function()
        local wrong = {
            ["endpoints must be a list"] = "x",
            ["endpoints[0] must be [address, port]"] = { "198.18.0.1" },
            ["endpoints[1] must be [address, port]"] = { { "198.18.0.1", 80 }, { "198.18.0.1" } },
            ["the port must be a number"] = { { "198.18.0.1", "80" } },
            ["numeric IP address"] = { { "localhost", 80 } },
            ['"127.0.0.1" is a loopback address'] = { { "127.0.0.1", 80 } },
        }
        for reason, endpoints in pairs(wrong) do
            local answer = backend(endpoints) or "accepted"
            assert.is_truthy(answer:find(reason, 1, true), reason .. " <> " .. answer)
        end
        local port_zero = backend({ { "198.18.0.1", 0 } })
        assert.is_truthy(port_zero:find("port", 1, true))
    end)

    it("refuses other records", function()
        assert.is_truthy(refusal("x", {}))
        assert.is_truthy(refusal("setting/global", "x"))
        assert.is_truthy(refusal("setting/global", {}))
        assert.is_truthy(refusal("setting/global", { digest = "" }))
        assert.is_truthy(refusal("setting/global", { digest = "a\nb" }))
        assert.is_truthy(refusal("setting/global", { digest = ("x"):rep(1000) }))
        assert.is_truthy(refusal("setting/global", { digest = "1", other = {} }))
        assert.is_truthy(refusal("setting/global", { digest = "1", timeouts = { read = "1" } }))
        assert.equal("the key does not fit",
            refusal("certificate/default", { digest = "1", chain = "x", key = "y" }))
        assert.is_truthy(refusal("certificate/default", { digest = "1", chain = "x" }))
        assert.is_truthy(refusal("certificate/default", { digest = "1", chain = "x\0", key = "y" }))
        assert.is_truthy(refusal("host/x/a", { digest = "1", routes = {}, certificate = "x" }))
        assert.is_truthy(refusal("host/default/a", { digest = "1" }))
        assert.is_truthy(refusal("host/default/a", { digest = "1", routes = {}, closed = true }))
    end)

    it("says what is wrong with how requests without a route are protected", function()
        local function unrouted(value)
            return refusal("setting/global", { digest = "1", unrouted = value })
        end
        assert.is_nil(unrouted({ class = "cafe", policies = { external_auth = { open = true } } }))
        assert.is_truthy(unrouted({ class = "x", policies = {} }):find("unrouted.class", 1, true))
        assert.is_truthy(unrouted({}):find("unrouted.policies must be", 1, true))
        assert.is_truthy(unrouted({ policies = { other = 1 } }):find("unknown policy", 1, true))
        assert.is_nil(refusal("setting/global", { digest = "1", questions = 32 }))
        assert.is_truthy(refusal("setting/global", { digest = "1", questions = 0 }))
    end)
end)
