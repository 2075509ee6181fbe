-- External authentication: a service is asked about each request of a route, by a subrequest of
-- NGINX (`auth_request`; external_auth/question.lua), and Lua decides by what it says. Nothing lets
-- a request in but an answer of the service: where there is none, it is 500.
--
-- The step of a route, which is its last, gets the question ready; `decide` is in the access phase
-- of the request, after the subrequest.

local answers = require "ingress.external_auth.answers"
local basic_auth = require "ingress.policy.basic_auth"
local client_url = require "ingress.pure.client_url"
local direct_response = require "ingress.policy.direct_response"
local faults = require "ingress.faults"
local headers = require "ingress.external_auth.headers"
local request_headers = require "ingress.policy.request_headers"
local request_key = require "ingress.request_key"
local store = require "ingress.store"
local target = require "ingress.balance.target"

local escape_uri = ngx.escape_uri
local find = string.find
local format = string.format
local gsub = string.gsub
local ipairs = ipairs
local ngx = ngx
local ngx_var = ngx.var
local setmetatable = setmetatable

-- Of a question; the times of ingress-nginx are 15 s each, the one of connections is ours.
local TIMEOUTS = { connect = 5, read = 15, send = 15 }
-- What the questions say of themselves (`X-Sent-From`). About one of them nobody is asked: two
-- services, each behind the other, would never come to an end.
local SENT_FROM = "nginx-ingress-controller"
-- Where NGINX's `add_header` acts without `always`.
local COOKIE_STATUSES = {
    [200] = true, [201] = true, [204] = true, [206] = true, [301] = true, [302] = true,
    [303] = true, [304] = true, [307] = true, [308] = true,
}
local LET_IN = { status = 200, headers = {} }

local _M = {
    -- What is decided by where the service has said nothing.
    NO_ANSWER = { status = 502, headers = {} },
    -- Where too many wait for it.
    NO_ROOM = { status = 503, headers = {} },
}

-- Address of a request -> {auth, verdict, question, headers}: the compiled policy, what is known
-- of the answer, the address of the subrequest while it is watched, the headers of the client where
-- the question has others. Every location that such a request can end in has a log phase, which
-- takes it away.
local exchanges = {}
local expected = 0


local function begin(exchange)
    local key = request_key()
    if not exchanges[key] then
        expected = expected + 1
    end
    exchanges[key] = exchange
    -- By this the subrequest finds it: they share their variables. With all digits: `tostring`
    -- gives 14, addresses may have more, and another request would be found, or none.
    ngx_var.auth_asker = format("%d", key)
end


--- What is known of the question about the request of an address.
function _M.exchange(key)
    return exchanges[key]
end


--- There is no such question any more.
-- @return what was known of it
function _M.forget()
    if expected == 0 then
        return nil
    end
    local key = request_key()
    local exchange = exchanges[key]
    if exchange then
        exchanges[key] = nil
        expected = expected - 1
    end
    return exchange
end


--- Nobody is asked about the current request.
-- @param auth  {response_headers}; absent: none
function _M.let_in(auth)
    return begin({ verdict = LET_IN, auth = auth or {} })
end


local function compile_question(value, route, templates)
    local connections = value.connections
        or value.tls and "subrequests_over_tls" or "ingress_balancer"
    local origin = (value.tls and "https://" or "http://") .. connections
    local target_of = templates.compile_url(value.target, route)
    local redirect = value.redirect and templates.compile_url(value.redirect, route)
    return function()
        -- NGINX sends what stands here as it is.
        ngx_var.auth_url = origin .. gsub(target_of(), "#", "%%23")
        ngx_var.auth_host = value.host
        if value.tls then
            ngx_var.auth_name = value.name
        end
        if value.method then
            ngx_var.auth_method = value.method
        end
        if redirect then
            ngx_var.auth_redirect = redirect()
        end
    end
end


-- As ingress-nginx writes it in a query, where `:` and `/` stand for themselves.
local function escaped_origin()
    return (escape_uri(client_url.origin(ngx_var)):gsub("%%3A", ":"):gsub("%%2F", "/"))
end


-- function() -> where clients that have to log in are sent
local function compile_signin(value, route, templates)
    if not value.signin then
        return nil
    end
    local url_of, param = templates.compile_url(value.signin, route), value.signin_param
    return function()
        local url = url_of()
        if url:sub(1, 1) == "/" then
            url = client_url.origin(ngx_var) .. url
        end
        if not param then
            return url
        end
        local back = escaped_origin() .. escape_uri(client_url.target(ngx_var))
        return url .. (find(url, "?", 1, true) and "&" or "?") .. param .. "=" .. back
    end
end


-- Backend -> its target under the setting in force, as long as a route has it.
local targets = setmetatable({}, { __mode = "v" })


local function target_of(key)
    local setting = store.setting()
    local known = targets[key]
    if not known or known.setting ~= setting then
        local route = {
            backends = { { backend = key, weight = 1 } },
            policies = { timeouts = TIMEOUTS },
        }
        known = target.compile(route).only
        known.setting = setting
        targets[key] = known
    end
    return known
end


local function is_question()
    return ngx_var.http_x_sent_from == SENT_FROM
end


-- The answer to whom the service lets in, where that is none of a backend.
local function compile_answer(route, templates)
    local value = route.policies.direct_response
    return value and direct_response.answer(value, route, templates)
end


--- @param value  record (policy/external_auth.lua)
-- @param route  record
-- @return function, the step of a route that comes last
function _M.compile(value, route, templates)
    if value.open then
        local auth = { response_headers = value.response_headers }
        return function()
            return _M.let_in(auth)
        end
    end
    local put_question = compile_question(value, route, templates)
    local change_headers = value.request_headers
        and request_headers.compile(value.request_headers, route, templates)
    local auth = {
        target = target_of(value.backend),
        response_headers = value.response_headers or {},
        signin = compile_signin(value, route, templates),
        cache = value.cache and answers.compile(value, route, templates),
        hide_login = route.policies.basic_auth and basic_auth.hide,
        answer = compile_answer(route, templates),
    }
    local satisfied_by_others = route.policies.satisfy ~= nil
    return function()
        -- `satisfy` has just begun or forgotten one.
        local exchange = satisfied_by_others and exchanges[request_key()]
        if exchange then
            exchange.auth = auth
            return
        elseif is_question() then
            return ngx.exit(503)
        end
        exchange = { auth = auth }
        begin(exchange)
        if auth.cache then
            exchange.cache_key = auth.cache.key()
            exchange.verdict = answers.find(exchange.cache_key)
        end
        if not exchange.verdict then
            put_question()
            if change_headers then
                exchange.headers = ngx.req.get_headers(0)
                change_headers()
            end
        end
    end
end


--- The cookies of the service go to the client, in `headers` of the verdict.
function _M.compile_filter(value)
    return function()
        local exchange = exchanges[request_key()]
        local cookies = exchange and exchange.verdict and exchange.verdict.headers["Set-Cookie"]
        if not cookies or not (value.always_set_cookie or COOKIE_STATUSES[ngx.status]) then
            return
        end
        headers.add_cookies(cookies)
    end
end


-- Each header that the service could have sent, so that none of the client's stays under its name.
local function pass_headers(verdict, auth)
    for _, name in ipairs(auth.response_headers or {}) do
        ngx.req.set_header(name, verdict.headers[name])
    end
end


-- What was for the service alone is for nobody else: not for the backend, nor for that of a page of
-- errors.
local function end_question(exchange)
    if exchange.headers then
        headers.restore(exchange.headers)
    end
    if exchange.auth.hide_login then
        exchange.auth.hide_login()
    end
end


local function refuse(verdict, auth)
    local status = verdict.status
    if status == 401 and auth.signin then
        return ngx.redirect(auth.signin(), 302)
    elseif status == 401 then
        ngx.header["WWW-Authenticate"] = verdict.headers["WWW-Authenticate"]
    elseif verdict == _M.NO_ROOM then
        ngx.header["Retry-After"] = 1
    elseif status ~= 403 then
        status = 500
    end
    return ngx.exit(status)
end


--- The access phase of the request, after the subrequest.
_M.decide = faults.guarded(function()
    local exchange = exchanges[request_key()]
    if exchange then
        end_question(exchange)
    end
    local verdict = exchange and exchange.verdict or _M.NO_ANSWER
    if verdict.status < 200 or verdict.status > 299 then
        return refuse(verdict, exchange and exchange.auth or {})
    end
    pass_headers(verdict, exchange.auth)
    if exchange.auth.answer then
        return exchange.auth.answer()
    end
end, function()
    return "host " .. (ngx_var.host or "-")
end)


return _M
