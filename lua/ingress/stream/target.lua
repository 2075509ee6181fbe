-- Where connections go: the records of ports and of names whose TLS is passed through, compiled
-- once. A target is as those of HTTP (balance/target.lua): {entry, name, tries, load_balance,
-- picker_id, slow_start, key, budget}.

local choice = require "ingress.balance.choice"
local host_name = require "ingress.pure.host_name"
local retry_budget = require "ingress.balance.retry_budget"
local store = require "ingress.store"
local template = require "ingress.stream.template"

local is_dns_name = host_name.is_dns_name
local lower = string.lower
local match = string.match
local monotonic_time = require("resty.core.time").monotonic_time

local most_tries

local _M = {}


--- @param tries  how many endpoints are tried at most; 0: each
function _M.configure(tries)
    most_tries = tries
end


-- What the setting hashes by is of a request.
local function common_load_balance(setting)
    local common = setting.load_balance
    return common and not common.key and common or choice.DEFAULT
end


local function compile(record, key)
    local setting = store.setting()
    local target = {
        entry = store.entry("backend", record.backend),
        name = key,
        tries = most_tries,
        budget = retry_budget.of(record.backend, setting.retry_budget, monotonic_time()),
    }
    local load_balance = record.load_balance or common_load_balance(setting)
    choice.apply(target, load_balance, template.compile)
    return target
end


store.register("stream", compile, {})
store.register("passthrough", compile, {})


--- Whether a port is one that we listen on for the same protocol.
function _M.is_port_of_ours(target, port)
    local protocol = match(target.name, "^stream/(%l+)/") or "tcp"
    return store.has("stream/" .. protocol .. "/" .. port)
end


--- The target of a port, or nil.
-- @param key of the record
function _M.of_port(key)
    return store.value(store.entry("stream", key))
end


--- The target of a name in a ClientHello, as NGINX read it; nil: TLS ends here.
function _M.of_name(name)
    local host = lower(name or "")
    if not is_dns_name(host) then
        return nil
    end
    local exact = store.lookup("passthrough", "passthrough/" .. host)
    local wildcard = not exact and host_name.wildcard(host)
    local covering = wildcard and store.lookup("passthrough", "passthrough/" .. wildcard)
    -- A host that is served by itself is none of its wildcard's.
    return exact or covering and not store.has("host/default/" .. host) and covering or nil
end


return _M
