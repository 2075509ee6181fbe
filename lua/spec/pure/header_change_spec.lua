local header_change = require "ingress.pure.header_change"


local TEXT = { { text = "b" } }


local function refusal(direction, ...)
    return header_change.refusal({ ... }, "headers", direction)
end


describe("changes of headers", function()
    it("take what records say", function()
        assert.is_nil(refusal("request", { take = "x-a" }, { set = "X-A", value = TEXT },
            { remove = "X-*" }))
        assert.is_nil(refusal("response",
            { add = "X-A", value = { { var = "uri" } }, statuses = { 200, 404 } },
            { set = "x", value = TEXT, types = { "text/html" } },
            { hide = "X-B" }, { remove = "*" },
            { expires = { seconds = -1 } }, { expires = { seconds = 1, modified = true } },
            { expires = { max = true } }, { expires = { epoch = true } }))
    end)

    it("refuse everything else, with its place", function()
        local wrong = {
            ["must be a list of 1 to"] = {},
            ["headers[0] must be an object"] = { 1 },
            ["headers[0] must say one thing"] = { {} },
            ["headers[1] must say one thing"] = {
                { remove = "a" }, { set = "a", add = "b", value = TEXT },
            },
            ['headers[0] has an unknown member "append"'] = { { append = "a" } },
            ["headers[0].set must be the name of a header"] = { { set = "a b", value = TEXT } },
            ["headers[0].remove must be the name"] = { { remove = ("a"):rep(129) } },
            ["headers[0].add must be the name of a header"] = { { add = "a\r\nb", value = TEXT } },
            ["Content-Length belongs to the connection"] = { { remove = "Content-Length" } },
            ["transfer-encoding belongs to"] = { { set = "transfer-encoding", value = TEXT } },
            ["headers[0].value belongs to set and add"] = { { remove = "a", value = TEXT } },
            ["headers[0].value belongs to"] = { { set = "a" } },
            ["headers[0].value[0].text must be"] = { { set = "a", value = { { text = "\n" } } } },
            ["headers[0].statuses must be a list"] = { { remove = "a", statuses = {} } },
            ["headers[0].statuses has an item"] = { { remove = "a", statuses = { "200" } } },
            ["headers[0].types has an item"] = { { remove = "a", types = { "Text/HTML" } } },
            ["headers[0].expires must have one of"] = { { expires = { max = true, seconds = 1 } } },
            ["headers[0].expires must have one"] = { { expires = {} } },
            ["expires must have one of epoch"] = { { expires = { epoch = true, max = true } } },
            ["headers[0].expires.seconds must be"] = { { expires = { seconds = 0.5 } } },
            ["headers[0].expires.modified must"] = { { expires = { seconds = 1, modified = 1 } } },
        }
        for reason, steps in pairs(wrong) do
            local answer = header_change.refusal(steps, "headers", "response") or "accepted"
            assert.is_truthy(answer:find(reason, 1, true), reason .. " <> " .. answer)
        end
    end)

    it("are at most 500", function()
        local many = {}
        for i = 1, 500 do
            many[i] = { remove = "a" }
        end
        assert.is_nil(header_change.refusal(many, "headers", "response"))
        many[501] = { remove = "a" }
        assert.is_truthy(header_change.refusal(many, "headers", "response"))
    end)

    it("leave alone what belongs to the connection", function()
        for _, name in ipairs({
            "Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
            "Transfer-Encoding", "Upgrade",
        }) do
            assert.is_true(header_change.is_framing(name), name)
            for _, change in ipairs({ { remove = name }, { set = name, value = TEXT } }) do
                assert.is_truthy(refusal("request", change), name)
            end
        end
        assert.is_false(header_change.is_framing("Host"))
    end)

    it("that add to one header one after the other are one", function()
        local one, other = { add = "X-A", value = TEXT }, { add = "x-a", value = TEXT }
        local between = { set = "X-B", value = TEXT }
        local function sizes(...)
            local list = {}
            for i, group in ipairs(header_change.grouped({ ... })) do
                list[i] = #group
            end
            return list
        end
        assert.same({ 2 }, sizes(one, other))
        assert.same({ 1, 1, 1 }, sizes(one, between, other))
        assert.same({ 1, 1 }, sizes(between, between))
    end)

    it("of requests have no conditions, nothing to hide and no expiry", function()
        assert.is_truthy(refusal("request", { remove = "a", statuses = { 200 } }))
        assert.is_truthy(refusal("request", { hide = "a" }))
        assert.is_truthy(refusal("request", { expires = { max = true } }))
    end)

    it("put more values behind those that are there", function()
        local function text(value)
            return function()
                return value
            end
        end
        assert.same({ "a", "b" }, header_change.extended("a", { text("b"), text("") }))
        assert.same({ "a", "b", "c" }, header_change.extended({ "a", "b" }, { text("c") }))
        assert.same({ "a" }, header_change.extended(nil, { text("a") }))
        assert.is_nil(header_change.extended("a", { text("") }))
    end)

    it("know what a wildcard stands for", function()
        assert.equal("x-", header_change.prefix_of("X-*"))
        assert.equal("", header_change.prefix_of("*"))
        assert.is_nil(header_change.prefix_of("X-A"))
    end)
end)
