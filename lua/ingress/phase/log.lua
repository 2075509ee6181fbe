-- log_by_lua of the locations in which a request to a backend can end.

local completion = require "ingress.balance.completion"
local connections = require "ingress.limit.connections"
local external_auth_question = require "ingress.external_auth.question"
local metrics = require "ingress.metrics"
local observe = require("ingress.metrics.request").observe
local response = require "ingress.response"

local _M = {}


-- What is kept under the address of a request goes with it: NGINX uses that again.
local function release(listener)
    connections.release()
    response.forget()
    external_auth_question.forget()
    if metrics.enabled then
        observe(listener)
    end
end


--- Of the locations that send requests to backends.
function _M.request(listener)
    completion.run()
    return release(listener)
end


--- Of the error pages.
function _M.page(listener)
    completion.run_page(listener)
    return release(listener)
end


return _M
