-- Counts of events, shared by all workers: only for what is rare, since each costs a lock.

local EVENTS = {
    { "ejections", "Endpoints that were ejected after failures in a row." },
    { "ejection_probes", "Requests that tried whether an ejected endpoint is back." },
    { "health_checks", "Requests that asked for the health of an endpoint." },
    { "lua_errors", "Errors in Lua while a request was handled." },
    { "password_checks", "Passwords compared with a hash that takes long." },
    { "password_checks_refused", "Such comparisons that were one too many." },
    { "questions_refused", "Questions of external authentication that were one too many." },
    { "retries", "Tries after the first one." },
    { "retry_budget_exhausted", "Retries that the budget did not allow." },
}

local dictionary = ngx.shared.resty_ingress_health

local _M = {
    -- Array of {name, what is counted}.
    EVENTS = EVENTS,
}


--- One more of `name`, which is one of EVENTS.
function _M.add(name)
    dictionary:incr("count/" .. name, 1, 0)
end


--- {name: count since OpenResty started} for every name.
function _M.all()
    local counts = {}
    for _, event in ipairs(EVENTS) do
        local name = event[1]
        counts[name] = dictionary:get("count/" .. name) or 0
    end
    return counts
end


return _M
