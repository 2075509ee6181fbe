-- log_by_lua of the error pages.

local completion = require "ingress.balance.completion"
local metrics = require "ingress.metrics"
local observe = require("ingress.metrics.request").observe
local response = require "ingress.response"


return function(listener)
    completion.run_page(listener)
    response.forget()
    if metrics.enabled then
        observe(listener)
    end
end
