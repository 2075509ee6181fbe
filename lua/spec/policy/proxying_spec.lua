local backend_connection = require "ingress.policy.backend_connection"
local backend_urls = require "ingress.policy.backend_urls"
local redirect = require "ingress.policy.redirect"
local tls_redirect = require "ingress.policy.tls_redirect"

local PAIR = { from = "/a", to = "/b" }


describe("policies of what goes between NGINX and backends", function()
    it("take what records say", function()
        assert.is_nil(backend_connection.validate({ header = "close" }))
        assert.is_nil(backend_connection.validate({ header = "keep-alive" }))
        assert.is_nil(backend_urls.validate({}))
        assert.is_nil(backend_urls.validate({
            cookie_domain = { from = "a.example", to = "b.example" }, cookie_path = PAIR,
            redirect = PAIR,
        }))
        assert.is_nil(tls_redirect.validate({ code = 308, port = 443, drop_slash = true }))
        assert.is_nil(redirect.validate({
            code = 301, location = { { text = "/new" } }, relative = true,
        }))
    end)

    it("refuse everything else", function()
        for _, header in ipairs({ "upgrade", "", "close\r\nX: y", 1 }) do
            assert.is_string(backend_connection.validate({ header = header }))
        end
        assert.is_string(backend_connection.validate({}))
        assert.is_string(backend_connection.validate({ header = "close", other = true }))
        for _, text in ipairs({ "", "a;b", "a b", "a\nb", ("x"):rep(513), 1 }) do
            assert.is_string(backend_urls.validate({ cookie_path = { from = text, to = "/" } }))
            assert.is_string(backend_urls.validate({ redirect = { from = "/", to = text } }))
        end
        assert.is_string(backend_urls.validate({ redirect = { from = "/" } }))
        assert.is_string(backend_urls.validate({ other = PAIR }))
        assert.is_string(tls_redirect.validate({ code = 308, port = 443, drop_slash = false }))
        assert.is_string(redirect.validate({ code = 301, relative = false }))
    end)
end)
