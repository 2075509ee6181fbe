local route_table = require "ingress.pure.route_table"


local function matches(path, pattern)
    return path:find("^" .. pattern) ~= nil
end


-- What the contract says, in the plainest way.
local function first_match(routes, path)
    for position, route in ipairs(routes) do
        local prefix = route.path:gsub("/$", "")
        local hit
        if route.pathType == "Exact" then
            hit = path == route.path
        elseif route.pathType == "Regex" then
            hit = matches(path, route.path)
        else
            hit = path == prefix or path:sub(1, #prefix + 1) == prefix .. "/"
        end
        if hit then
            return position
        end
    end
end


local function routes_of(list)
    local routes = {}
    for _, item in ipairs(list) do
        routes[#routes + 1] = { pathType = item[1], path = item[2] }
    end
    return routes
end


describe("route_table", function()
    local function find(list, path)
        return route_table.new(routes_of(list), matches):find(path)
    end

    it("says when the first route takes every path", function()
        local function always(list)
            return route_table.new(routes_of(list), matches).always
        end
        assert.equal(1, always({ { "Prefix", "/" } }))
        assert.equal(1, always({ { "Prefix", "/" }, { "Exact", "/a" } }))
        assert.is_nil(always({ { "Exact", "/" } }))
        assert.is_nil(always({ { "Prefix", "/a" }, { "Prefix", "/" } }))
        assert.is_nil(always({ { "Regex", "/" } }))
        assert.is_nil(always({}))
    end)

    it("matches a prefix element by element, whatever its trailing slash", function()
        local list = { { "Prefix", "/foo/" } }
        assert.equal(1, find(list, "/foo"))
        assert.equal(1, find(list, "/foo/"))
        assert.equal(1, find(list, "/foo/bar"))
        assert.is_nil(find(list, "/foobar"))
        assert.is_nil(find(list, "/"))
        assert.equal(1, find({ { "Prefix", "/foo" } }, "/foo/"))
        assert.equal(1, find({ { "Prefix", "/" } }, "/any/thing"))
        assert.equal(1, find({ { "Prefix", "/" } }, "/"))
    end)

    it("matches an exact path only when it is equal", function()
        local list = { { "Exact", "/foo" }, { "Exact", "/bar/" } }
        assert.equal(1, find(list, "/foo"))
        assert.is_nil(find(list, "/foo/"))
        assert.is_nil(find(list, "/bar"))
        assert.equal(2, find(list, "/bar/"))
    end)

    it("takes the first route of the record that matches", function()
        local list = {
            { "Prefix", "/a/b/c" }, { "Exact", "/a/b" }, { "Regex", "/a/[a-z]" },
            { "Prefix", "/a/b" }, { "Prefix", "/a" }, { "Prefix", "/" },
        }
        assert.equal(1, find(list, "/a/b/c/d"))
        assert.equal(2, find(list, "/a/b"))
        assert.equal(3, find(list, "/a/b/"))
        assert.equal(3, find(list, "/a/x"))
        assert.equal(5, find(list, "/a/1"))
        assert.equal(6, find(list, "/b"))
    end)

    it("lets an earlier short prefix hide a longer one", function()
        local list = { { "Prefix", "/a" }, { "Prefix", "/a/b" } }
        assert.equal(1, find(list, "/a/b/c"))
    end)

    it("reports the error of a regex, unless an earlier route matches", function()
        local table = route_table.new(routes_of({ { "Exact", "/a" }, { "Regex", "x" } }), function()
            return nil, "limit"
        end)
        assert.equal(1, (table:find("/a")))
        local position, err = table:find("/b")
        assert.is_nil(position)
        assert.equal("limit", err)
    end)

    it("agrees with the plain definition on random records", function()
        local seed = os.time()
        math.randomseed(seed)
        local segments = { "a", "b", "ab", "" }
        local function path()
            local parts = {}
            for i = 1, math.random(0, 4) do
                parts[i] = segments[math.random(#segments)]
            end
            return "/" .. table.concat(parts, "/")
        end
        local kinds = { "Exact", "Prefix", "Prefix", "Regex" }
        for _ = 1, 3000 do
            local list = {}
            for i = 1, math.random(0, 6) do
                list[i] = { kinds[math.random(#kinds)], path() }
            end
            local request = path()
            local expected = first_match(routes_of(list), request)
            assert.equal(expected, (find(list, request)), "seed " .. seed .. ", path " .. request)
        end
    end)

    it("costs a hostile path no more than the longest prefix is long", function()
        local calls = 0
        local table = route_table.new(routes_of({ { "Prefix", "/a/b" } }), matches)
        setmetatable(table.prefixes, { __index = function()
            calls = calls + 1
        end })
        assert.is_nil((table:find(("/x"):rep(4000))))
        assert.is_true(calls <= 5)
    end)

    it("compiles a hostile path in steps of its length, not of its square", function()
        local thousands = 0
        debug.sethook(function()
            thousands = thousands + 1
        end, "", 1000)
        route_table.new(routes_of({ { "Prefix", ("/x"):rep(2000) } }), matches)
        debug.sethook()
        assert.is_true(thousands < 200)
    end)
end)
