-- The only call of `stream.sock`: the endpoints that get no connections, and what was counted.

local json = require "ingress.control.json"
local report = require "ingress.health.report"


--- Answers the current connection: a line of JSON, {ejected, counts}.
return function()
    local health = report.get()
    ngx.say(json.encode(health))
end
