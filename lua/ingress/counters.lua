-- Counts of events, shared by all workers: only for what is rare, since each costs a lock.

local NAMES = {
    "ejections", "ejection_probes", "health_checks", "lua_errors", "retries",
    "retry_budget_exhausted",
}

local dictionary = ngx.shared.resty_ingress_health

local _M = {}


--- One more of `name`, which is one of NAMES.
function _M.add(name)
    dictionary:incr("count/" .. name, 1, 0)
end


--- {name: count since OpenResty started} for every name.
function _M.all()
    local counts = {}
    for _, name in ipairs(NAMES) do
        counts[name] = dictionary:get("count/" .. name) or 0
    end
    return counts
end


return _M
