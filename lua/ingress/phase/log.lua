-- log_by_lua of the locations that send requests to backends.

local completion = require "ingress.balance.completion"
local connections = require "ingress.limit.connections"
local external_auth_question = require "ingress.external_auth.question"
local metrics = require "ingress.metrics"
local observe = require("ingress.metrics.request").observe
local response = require "ingress.response"


return function(listener)
    completion.run()
    connections.release()
    response.forget()
    external_auth_question.forget()
    if metrics.enabled then
        observe(listener)
    end
end
