-- A copy of each request of a route goes to another server: NGINX makes it (`mirror`), a subrequest
-- in `location = //mirror` whose answer nobody sees. Nothing that becomes of it changes what the
-- client gets.

local backends = require "ingress.balance.backend"
local faults = require "ingress.faults"
local target = require "ingress.balance.target"

local find = string.find
local gsub = string.gsub
local ngx = ngx
local ngx_var = ngx.var

local _M = {}

-- By key of the backend, for the subrequests; the steps of routes hold them.
local targets = setmetatable({}, { __mode = "v" })


-- An algorithm that counts requests would have to see the end of them; the log phase does not run
-- for a subrequest.
local function new_target(key)
    return target.compile({
        backends = { { backend = key, weight = 1 } },
        policies = { load_balance = { algorithm = "round_robin" } },
    }).only
end


--- The step of a route: what the copies are, for the subrequest, which has the same variables.
-- @param value  record (policy/mirror.lua)
function _M.compile(value, route, templates)
    local key = value.backend
    local held = new_target(key)
    local origin = value.tls and "https://subrequests_over_tls" or "http://ingress_balancer"
    local target_of = templates.compile_url(value.target, route)
    return function()
        -- Of a copy that came back there is none: it would go round for ever.
        if ngx_var.http_x_mirrored then
            return
        end
        local text = target_of()
        -- `/$request_uri` is how people write it.
        if find(text, "^//") then
            text = gsub(text, "^/+", "/")
        end
        -- NGINX sends what stands here as it is.
        ngx_var.mirror_url = origin .. gsub(text, "#", "%%23")
        ngx_var.mirror_host = value.host
        ngx_var.mirror_backend = key
        targets[key] = held
        if value.tls then
            ngx_var.mirror_name = value.name
        end
    end
end


--- The rewrite phase of the subrequest. It ends here where there is nobody to send a copy to.
_M.send = faults.guarded(function()
    local found = targets[ngx_var.mirror_backend]
    if not found or not backends.has_endpoint(found) then
        return ngx.exit(204)
    end
    ngx.ctx = found
end, function()
    return "host " .. (ngx_var.host or "-")
end)


return _M
