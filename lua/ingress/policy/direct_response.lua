-- An answer without a backend.

local is_asked = require("ingress.pure.asked_route").is_asked
local shape = require "ingress.pure.shape"
local template = require "ingress.pure.template_record"

local FIRST_ERROR = 400
local WITHOUT_BODY = { [204] = true, [304] = true }
local MEMBERS = { status = true, body = true }

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "direct_response")
        or not shape.is_integer(value.status, 200, 599)
            and "direct_response.status must be a status from 200 to 599"
        or value.body ~= nil and template.refusal(value.body, "direct_response.body", true)
        or nil
end


local function send(status, text)
    ngx.status = status
    if not WITHOUT_BODY[status] then
        -- What a client chose must not be taken for a page.
        ngx.header["Content-Type"] = "text/plain; charset=utf-8"
        ngx.header["Content-Length"] = #text
    end
    if text == "" or WITHOUT_BODY[status] then
        ngx.send_headers()
    else
        ngx.print(text)
    end
    return ngx.exit(ngx.HTTP_OK)
end


--- Nothing where a service has to let the client in first: then it gives the answer.
-- @param templates ingress.template
function _M.compile(value, route, templates)
    return not is_asked(route) and _M.answer(value, route, templates) or nil
end


--- @return function that answers the request at hand
function _M.answer(value, route, templates)
    local status = value.status
    local text_of = value.body and templates.compile(value.body, route)
    return function()
        -- It throws where the body has no end that can be found.
        if not pcall(ngx.req.discard_body) then
            return ngx.exit(ngx.HTTP_BAD_REQUEST)
        end
        if not text_of and status >= FIRST_ERROR then
            -- It has its usual page.
            return ngx.exit(status)
        end
        return send(status, text_of and text_of() or "")
    end
end


return _M
