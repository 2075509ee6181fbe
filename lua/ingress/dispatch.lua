-- What happens to a request between its arrival and the balancer: route, location class, policies,
-- target.

local backends = require "ingress.balance.backend"
local balancer = require "ingress.balance.balancer"
local body_size = require "ingress.policy.body_size"
local choose = require("ingress.balance.target").choose
local completion = require "ingress.balance.completion"
local custom_error = require "ingress.custom_error"
local faults = require "ingress.faults"
local generation = require "ingress.generation"
local get_request = require("resty.core.base").get_request
local request_id = require "ingress.request_id"
local response = require "ingress.response"
local router = require "ingress.router"
local routes = require "ingress.route"
local variable = require "ingress.variable"

local has_endpoint = backends.has_endpoint
local ngx = ngx
local ngx_exec = ngx.exec
local ngx_exit = ngx.exit
local ngx_var = ngx.var

local _M = {}

-- What a variable of the configuration is set to, as Lua; nil leaves it as it is. Those of a route
-- are set first: requests that never get to a target are logged with them, too.
local ROUTE_TEXTS = {
    namespace = "route.variables.namespace",
    ingress_name = "route.variables.ingress_name",
    service_name = "route.variables.service_name",
    service_port = "route.variables.service_port",
    location_path = "route.variables.location_path",
}
local TARGET_TEXTS = {
    proxy_upstream_name = "target.name",
    proxy_alternative_upstream_name = "target.alternative",
}
local SET_TEXT = "local NAME = TEXT if NAME then set(variables.NAME, NAME, #NAME) end"
local SET_NEW_ID = "set_new_id(variables.new_id)"

local set_of_route
local set_of_target

-- `ngx.exec` empties `ngx.ctx`, and runs the rewrite phase of the named location before any other
-- request gets its turn: so the route is handed over here.
local handed_route
local handed_request


-- One statement for each variable, since LuaJIT does not compile a short loop; nil without any.
local function setter(argument, statements, variables)
    if #statements == 0 then
        return nil
    end
    local code = ("local variables, set, set_new_id = ... return function(%s) %s end")
        :format(argument, table.concat(statements, " "))
    return loadstring(code, "=variables")(variables, variable.set, request_id.set_new)
end


local function statement(name, text)
    return (SET_TEXT:gsub("%u+", { NAME = name, TEXT = text }))
end


--- Makes the code that sets the variables of a request.
-- @param names array of the variables that the configuration uses: `new_id`, and of the TEXTS
function _M.configure(names)
    local of_route, of_target, variables = {}, {}, {}
    for _, name in ipairs(names) do
        if ROUTE_TEXTS[name] then
            of_route[#of_route + 1] = statement(name, ROUTE_TEXTS[name])
        elseif TARGET_TEXTS[name] then
            of_target[#of_target + 1] = statement(name, TARGET_TEXTS[name])
        elseif name == "new_id" then
            of_target[#of_target + 1] = SET_NEW_ID
        else
            error("no variable " .. name, 2)
        end
        variables[name] = variable.new(name)
    end
    routes.has_variables = #of_route > 0
    set_of_route = setter("route", of_route, variables)
    set_of_target = setter("target", of_target, variables)
end


-- Somebody waits for the end of the request, and `location /` has no log phase; nor has `@watched`
-- its limit of the body.
local function watch(route, target)
    if route.class then
        ngx.ctx = completion.watch(target)
        return
    end
    if route.body_limit then
        body_size.apply(route.body_limit)
    end
    completion.watch(target)
    return ngx_exec("@watched")
end


local function has_any_endpoint(targets)
    for i = 1, #targets do
        if has_endpoint(targets[i]) then
            return true
        end
    end
    return false
end


-- The default backend of a route all of whose backends have no endpoint; nil: there is none.
-- @param target  the one that was chosen, if any
local function instead_of(target, route)
    local default = route.default_target
    if default and has_endpoint(default) and not has_any_endpoint(route.targets) then
        custom_error.hand_over(route)
        return default
    end
    -- The log tells whose endpoints are missing.
    if target and set_of_target then
        set_of_target(target)
    end
end


local function without_target(route)
    -- Else it is answered when the service of external authentication has been asked.
    if not route.answered then
        return ngx_exit(route.status or 503)
    end
end


local function proxy(route)
    faults.subject = route.name
    if route.closed then
        return ngx_exit(503)
    end
    local steps = route.steps
    if steps then
        for i = 1, #steps do
            steps[i].apply(steps[i].value)
        end
    end
    local target = choose(route.targets)
    if not (target and has_endpoint(target)) then
        target = instead_of(target, route)
        if not target then
            return without_target(route)
        end
    end
    if set_of_target then
        set_of_target(target)
    end
    if balancer.needs_watch(target) then
        return watch(route, target)
    end
    ngx.ctx = target
end


local function enter_class(route)
    if not generation.has_class(route.class) then
        return ngx_exit(503)
    end
    handed_route, handed_request = route, get_request()
    return ngx_exec("@" .. route.class)
end


local function requested_host()
    return "host " .. (ngx_var.host or "-")
end


local function refuse(status, err)
    if err then
        faults.report(err, requested_host())
    end
    return ngx_exit(status)
end


--- Each request, before NGINX looks for its location: it goes on in `location /` or in a class.
_M.enter = faults.guarded(function(listener)
    -- NGINX is on its way to the page of an error.
    if ngx.status >= 400 then
        return
    end
    faults.subject = nil
    local route, status, err = router.find(listener)
    if not route then
        return refuse(status, err)
    end
    if set_of_route then
        set_of_route(route)
    end
    if route.class then
        return enter_class(route)
    end
    return proxy(route)
end, function()
    return faults.subject or requested_host()
end)


--- `location @watched`: the request was routed before.
_M.watched = faults.guarded(function()
    ngx.ctx = completion.state()
end)


--- `location @custom_errors`: an error of a route whose page a default backend has. Without one it
-- is answered as any other error.
_M.custom_errors = faults.guarded(function()
    local status, route = ngx.status, response.route()
    completion.interrupt(status)
    local target = custom_error.target(route)
    if not target then
        return ngx_exit(status)
    end
    custom_error.describe(status, route)
    if set_of_target then
        set_of_target(target)
    end
    ngx.ctx = completion.watch(target)
end)


--- A named location: the route was found in another one.
_M.class = faults.guarded(function(name)
    local route, request = handed_route, handed_request
    handed_route, handed_request = nil, nil
    if not route or request ~= get_request() or route.class ~= name then
        error("location class " .. name .. " was entered without a route")
    end
    if route.filters or route.custom_errors then
        response.expect(route)
    end
    return proxy(route)
end)


return _M
