-- Answers of the control API: {status, body, type}.

local json = require "ingress.control.json"

local JSON = "application/json"

local _M = {}


--- 200 with a value as JSON.
function _M.ok(value)
    return { status = 200, body = json.encode(value), type = JSON }
end


--- Every error is `{message}` and what the call adds to it.
function _M.error(status, message, members)
    local value = { message = message }
    for name, member in pairs(members or {}) do
        value[name] = member
    end
    return { status = status, body = json.encode(value), type = JSON }
end


--- 200 with text as it is.
function _M.text(body, media_type)
    return { status = 200, body = body, type = media_type }
end


return _M
