-- The question of external authentication: a subrequest in `location = //external_auth`.

local answers = require "ingress.external_auth.answers"
local backends = require "ingress.balance.backend"
local completion = require "ingress.balance.completion"
local counters = require "ingress.counters"
local external_auth = require "ingress.external_auth"
local faults = require "ingress.faults"
local request_key = require "ingress.request_key"
local store = require "ingress.store"

local ipairs = ipairs
local monotonic_time = require("resty.core.time").monotonic_time
local ngx = ngx
local ngx_var = ngx.var
local tonumber = tonumber

local NO_ANSWER = external_auth.NO_ANSWER
-- Seconds between two lines of the log about one service.
local REPORT_INTERVAL = 1

local _M = {}

-- Backend -> how many questions of this worker wait for its answer, and when it was last told that
-- there were too many.
local waiting = {}
local reported = {}


local function exchange_of_question()
    return external_auth.exchange(tonumber(ngx_var.auth_asker))
end


local function subject()
    return "host " .. (ngx_var.host or "-")
end


-- Whether one more may wait. What is too much is answered at once: with a service that hangs no
-- connection would be left for anybody else.
local function has_room(backend)
    local most = store.setting().questions
    if not most or (waiting[backend] or 0) < most then
        return true
    end
    counters.add("questions_refused")
    if monotonic_time() - (reported[backend] or 0) >= REPORT_INTERVAL then
        reported[backend] = monotonic_time()
        ngx.log(ngx.WARN, "too many questions of external authentication wait for ", backend)
    end
    return false
end


local function begin_waiting(exchange)
    local backend = exchange.auth.target.entry.key
    waiting[backend] = (waiting[backend] or 0) + 1
    exchange.question, exchange.backend = request_key(), backend
end


local function end_waiting(exchange)
    local backend = exchange.backend
    local count = waiting[backend] - 1
    waiting[backend] = count > 0 and count or nil
    exchange.question = nil
end


--- The rewrite phase of the subrequest. It ends here where nobody has to be asked, or can be.
_M.ask = faults.guarded(function()
    local exchange = exchange_of_question()
    if not exchange then
        return ngx.exit(500)
    elseif exchange.verdict then
        return ngx.exit(204)
    elseif not backends.has_endpoint(exchange.auth.target) then
        exchange.verdict = NO_ANSWER
        return ngx.exit(204)
    elseif not has_room(exchange.auth.target.entry.key) then
        exchange.verdict = external_auth.NO_ROOM
        return ngx.exit(204)
    end
    begin_waiting(exchange)
    ngx.ctx = completion.watch(exchange.auth.target)
end, subject)


-- What later parts need of the answer.
local function verdict_of(status, auth)
    local headers = {
        ["Set-Cookie"] = ngx.header["Set-Cookie"],
        ["WWW-Authenticate"] = ngx.header["WWW-Authenticate"],
    }
    for _, name in ipairs(auth.response_headers) do
        headers[name] = ngx.header[name]
    end
    return { status = status, headers = headers }
end


--- The header filter of the subrequest. Whatever the service says is good for NGINX: `decide` acts
-- by it, and refuses where this was not reached.
_M.answer = faults.guarded_end(function()
    local exchange = exchange_of_question()
    if not exchange or exchange.verdict then
        return
    end
    local status = completion.has_answered() and ngx.status or NO_ANSWER.status
    completion.interrupt(ngx.status)
    end_waiting(exchange)
    exchange.verdict = verdict_of(status, exchange.auth)
    if exchange.cache_key then
        answers.keep(exchange.cache_key, exchange.verdict, exchange.auth.cache, ngx.header)
    end
    ngx.status = 204
end, subject)


--- The log phase of a request about which there may be a question: its client may have gone before
-- that was answered.
function _M.forget()
    local exchange = external_auth.forget()
    if exchange and exchange.question then
        completion.abandon(exchange.question)
        end_waiting(exchange)
    end
end


return _M
