local url_change = require "ingress.pure.url_change"

local DOMAIN = { from = "in.example", to = "out.example" }
local PATH = { from = "/app", to = "/" }


local function domain(cookie)
    return url_change.cookie(cookie, "domain", url_change.domain, DOMAIN)
end


local function path(cookie)
    return url_change.cookie(cookie, "path", url_change.prefix, PATH)
end


describe("URLs of backends", function()
    it("replace a Domain as a whole, in any case, and keep its dot", function()
        local whole = domain("a=b; Domain=in.example; Path=/")
        assert.are.equal("a=b; Domain=out.example; Path=/", whole)
        assert.are.equal("a=b;domain=.out.example", domain("a=b;domain=.IN.example"))
        local spaced = domain("a=b; Domain = in.example  ; Path=/")
        assert.are.equal("a=b; Domain = out.example  ; Path=/", spaced)
        for _, other in ipairs({ "x.in.example", "in.example.org", "" }) do
            assert.are.equal("a=b; Domain=" .. other, domain("a=b; Domain=" .. other))
        end
    end)

    it("replace the begin of a Path, and keep all else", function()
        assert.are.equal("a=b; Path=//x; HttpOnly", path("a=b; Path=/app/x; HttpOnly"))
        local spaced = path("a=b; HttpOnly; path = /app ; Secure")
        assert.are.equal("a=b; HttpOnly; path = / ; Secure", spaced)
        assert.are.equal("a=b; Path=/x/app", path("a=b; Path=/x/app"))
        assert.are.equal("a=b; Path=", path("a=b; Path="))
    end)

    it("do not look into the name and the value of a cookie, nor into other attributes", function()
        local others = { "Path=/app", "a=Path=/app", "a=b; XPath=/app", "a=b; Path", ";", "" }
        for _, cookie in ipairs(others) do
            assert.are.equal(cookie, path(cookie))
        end
    end)

    it("replace the begin of a URL, in which nothing is special", function()
        local pair = { from = "http://a.b/%1", to = "/$1%0" }
        assert.are.equal("/$1%0/x", url_change.prefix("http://a.b/%1/x", pair))
        assert.is_nil(url_change.prefix("http://axb/%1/x", pair))
        assert.is_nil(url_change.prefix("http://a.b/", pair))
    end)

    it("replace the begin of the URL of a Refresh", function()
        local changed = url_change.refresh("5; URL=/app/x", { from = "/app/", to = "/" })
        assert.are.equal("5; URL=/x", changed)
        assert.is_nil(url_change.refresh("5", PATH))
        assert.is_nil(url_change.refresh("5; url=/other", PATH))
    end)
end)
