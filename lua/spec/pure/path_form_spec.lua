local path_form = require "ingress.pure.path_form"


describe("paths that replace others", function()
    it("begin with a slash", function()
        assert.is_true(path_form.is_path("/"))
        assert.is_true(path_form.is_path("/" .. ("a"):rep(4095)))
        for _, value in ipairs({ "", "a", "/\n", "/" .. ("a"):rep(4096), 1, false }) do
            assert.is_false(path_form.is_path(value), tostring(value))
        end
        assert.equal("/a", path_form.absolute("a"))
        assert.equal("/a", path_form.absolute("/a"))
        assert.equal("/", path_form.absolute(""))
    end)

    it("have single slashes, as NGINX cleans them", function()
        for path, expected in pairs({
            ["a"] = "/a", ["//"] = "/", ["/a//b"] = "/a/b", ["///a////b/"] = "/a/b/",
            ["/a.b/..c/d./...e"] = "/a.b/..c/d./...e",
        }) do
            assert.equal(expected, path_form.clean(path))
        end
    end)

    it("do not go up, nor stay where they are", function()
        for _, path in ipairs({
            "..", "/..", "/.", "/a/../b", "/a/./b", "/a/..", "/a//..//b", "../a", "./a",
        }) do
            assert.is_nil(path_form.clean(path), path)
        end
    end)

    it("put a prefix in place of a Prefix, and keep what comes after that", function()
        local function replaced(prefix, route_path, path)
            local route = { pathType = "Prefix", path = route_path }
            return path_form.prefix_replacer(prefix, route)(path)
        end
        assert.equal("/new/a/b", replaced("/new", "/old", "/old/a/b"))
        assert.equal("/new/a", replaced("/new/", "/old/", "/old/a"))
        assert.equal("/new", replaced("/new", "/old", "/old"))
        assert.equal("/a", replaced("/", "/old", "/old/a"))
        assert.equal("/", replaced("/", "/old", "/old"))
        assert.equal("/new/a", replaced("/new", "/", "/a"))
    end)

    it("stand for the whole of any other path", function()
        for _, path_type in ipairs({ "Exact", "Regex" }) do
            local route = { pathType = path_type, path = "/old" }
            assert.equal("/new", path_form.prefix_replacer("/new", route)("/old/a"))
        end
    end)
end)
