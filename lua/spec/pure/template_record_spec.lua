local template = require "ingress.pure.template_record"


local function refusal(...)
    return template.refusal({ ... }, "key")
end


describe("template", function()
    it("takes texts, known variables and captures", function()
        assert.is_nil(refusal({ text = "a-" }, { var = "remote_addr" }, { capture = 9 }))
        for _, name in ipairs({ "http_x_user", "cookie_a", "arg_q", "uri", "req_id", "arg__" }) do
            assert.is_nil(refusal({ var = name }), name)
        end
    end)

    it("refuses everything else, with its place", function()
        local wrong = {
            ["key must be a list"] = {},
            ["key[0] must have one of"] = { {} },
            ["key[1] must have one of"] = { { text = "a" }, { text = "a", var = "uri" } },
            ['key[0].var: there is no variable "ssl_client_raw_cert"'] =
                { { var = "ssl_client_raw_cert" } },
            ['there is no variable "http_"'] = { { var = "http_" } },
            ['there is no variable "http_A"'] = { { var = "http_A" } },
            ['there is no variable "sent_http_x"'] = { { var = "sent_http_x" } },
            ["there is no variable a number"] = { { var = 1 } },
            ["key[0].capture must be"] = { { capture = 10 } },
            ["key[0].text must be"] = { { text = "a\n" } },
            ['key[0] has an unknown member "regex"'] = { { regex = "a" } },
        }
        for reason, value in pairs(wrong) do
            local answer = template.refusal(value, "key") or "accepted"
            assert.is_truthy(answer:find(reason, 1, true), reason .. " <> " .. answer)
        end
        local many = {}
        for i = 1, 17 do
            many[i] = { var = "uri" }
        end
        assert.is_truthy(template.refusal(many, "key"))
        assert.is_truthy(refusal({ var = "arg_" .. ("a"):rep(65) }))
    end)
end)
