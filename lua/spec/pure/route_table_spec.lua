local cjson = require "cjson"
local route_table = require "ingress.pure.route_table"


local function matches(path, pattern)
    return path:find("^" .. pattern) ~= nil
end


-- A request as the data plane sees it: what is asked of it is looked up in its members.
local function facts_of(request)
    return {
        method = function()
            return request.method
        end,
        header = function(_, name)
            return request.headers[name]
        end,
        parameter = function(_, name)
            return request.query[name]
        end,
        finds = function(text, pattern)
            if pattern == "exploding" then
                return false, "limit"
            end
            return text:find(pattern) ~= nil
        end,
    }
end


local function value_holds(wanted, value)
    return value ~= nil and (wanted.value == nil or wanted.value == value)
        and (wanted.pattern == nil or value:find(wanted.pattern) ~= nil)
end


local function asks_for(match, request)
    local taken = not match.methods
    for _, method in ipairs(match.methods or {}) do
        taken = taken or method == request.method
    end
    for kind, values in pairs({ headers = match.headers or {}, query = match.query or {} }) do
        for _, wanted in ipairs(values) do
            taken = taken and value_holds(wanted, request[kind][wanted.name])
        end
    end
    return taken
end


-- What the contract says, in the plainest way.
local function first_match(routes, path, request)
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
        if hit and (not route.match or asks_for(route.match, request)) then
            return position
        end
    end
end


local function routes_of(list)
    local routes = {}
    for _, item in ipairs(list) do
        routes[#routes + 1] = { pathType = item[1], path = item[2], match = item[3] }
    end
    return routes
end


describe("route_table", function()
    local function find(list, path, request)
        return route_table.new(routes_of(list), {
            matches = matches,
            new_facts = function()
                return facts_of(request)
            end,
        }):find(path)
    end

    it("says when the first route takes every path", function()
        local function always(list)
            return route_table.new(routes_of(list), { matches = matches }).always
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
        local table = route_table.new(routes_of({ { "Exact", "/a" }, { "Regex", "x" } }), {
            matches = function()
                return nil, "limit"
            end,
        })
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
        local function one_of(list)
            return list[math.random(#list)]
        end
        local matches_of = {
            { methods = { "GET", "PUT" } }, { methods = { "POST" } },
            { headers = { { name = "x", value = "1" } } }, { headers = { { name = "x" } } },
            { query = { { name = "q", pattern = "^1" } } },
            { methods = { "GET" }, headers = { { name = "x", pattern = "2" } } },
        }
        local kinds = { "Exact", "Prefix", "Prefix", "Regex" }
        for _ = 1, 5000 do
            local list = {}
            for i = 1, math.random(0, 6) do
                local asks = math.random(2) == 1 and one_of(matches_of) or nil
                list[i] = { one_of(kinds), path(), asks }
            end
            local asked, request = path(), {
                method = one_of({ "GET", "POST", "HEAD" }),
                headers = { x = one_of({ "1", "2", nil }) }, query = { q = one_of({ "1", "21" }) },
            }
            local expected = first_match(routes_of(list), asked, request)
            assert.equal(expected, (find(list, asked, request)),
                "seed " .. seed .. ", path " .. asked)
        end
    end)

    it("costs a hostile path no more than the longest prefix is long", function()
        local calls = 0
        local table = route_table.new(routes_of({ { "Prefix", "/a/b" } }), {})
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
        route_table.new(routes_of({ { "Prefix", ("/x"):rep(2000) } }), {})
        debug.sethook()
        assert.is_true(thousands < 200)
    end)

    it("agrees with the cases that explaining a request goes by", function()
        local file = assert(io.open("lua/spec/pure/routing-cases.json"))
        local cases = cjson.decode(file:read("*a"))
        file:close()
        for _, case in ipairs(cases) do
            for _, ask in ipairs(case.requests) do
                local position = route_table.new(case.routes, {
                    matches = matches,
                    new_facts = function()
                        return facts_of({
                            method = ask.method or "GET", headers = ask.headers or {},
                            query = ask.query or {},
                        })
                    end,
                }):find(ask.path)
                assert.equal(ask.taken, position and position - 1 or -1,
                    case.name .. ": " .. cjson.encode(ask))
            end
        end
    end)

    it("tries a route with conditions only where its path is", function()
        local list, asked = {}, 0
        for i = 1, 1000 do
            list[i] = { "Prefix", "/p" .. i, { headers = { { name = "x", value = "y" } } } }
        end
        local facts = facts_of({ method = "GET", headers = {}, query = {} })
        function facts.header()
            asked = asked + 1
        end
        local table = route_table.new(routes_of(list), {
            new_facts = function()
                return facts
            end,
        })
        assert.is_nil((table:find("/p77/x")))
        assert.equal(1, asked)
    end)

    it("reports a pattern that takes too long, unless an earlier route is taken", function()
        local exploding = { headers = { { name = "x", pattern = "exploding" } } }
        local request = { method = "GET", headers = { x = "a" }, query = {} }
        local list = { { "Exact", "/a" }, { "Prefix", "/a", exploding }, { "Prefix", "/" } }
        assert.equal(1, (find(list, "/a", request)))
        local position, err = find(list, "/a/b", request)
        assert.is_nil(position)
        assert.equal("limit", err)
        assert.equal(3, (find(list, "/b", request)))
        assert.equal(1, (find({ { "Regex", "/a" }, list[2] }, "/a", request)))
    end)
end)
