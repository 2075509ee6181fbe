-- What the `stream` block knows of failing endpoints: its own ejections, and the results of active
-- checks, which the Lua of the `http` block makes for backends of both (health/prober.lua). These
-- are looked up backend by backend: nobody here can list that dictionary.

local change_counter = require "ingress.change_counter"
local ejection = require "ingress.health.ejection"
local expiring = require "ingress.expiring"
local http_dictionary = require "ingress.stream.http_dictionary"
local store = require "ingress.store"

local ipairs = ipairs
local member = ejection.member
local own_version = ejection.version
local read_own = ejection.read
local setmetatable = setmetatable

local HTTP_HEALTH = change_counter.HTTP_HEALTH
local WHILE_USED = { __mode = "k" }

local changes = change_counter.values
local dictionary = http_dictionary.open("resty_ingress_health")

local _M = {}


-- {id: reason}
local function look_up(backend)
    local found = {}
    for _, endpoint in ipairs(backend.endpoints) do
        local id = endpoint.id
        found[id] = expiring.get(dictionary, "unhealthy/" .. member(backend.key, id))
    end
    return found
end


-- Like a table by the key of a backend, whose entries last as long as its endpoints.
local function unhealthy()
    local known = setmetatable({}, WHILE_USED)
    return setmetatable({}, { __index = function(_, key)
        local backend = store.value(store.entry("backend", key))
        if not backend then
            return nil
        end
        known[backend] = known[backend] or look_up(backend)
        return known[backend]
    end })
end


--- As in health/ejection.lua. Both counters only grow.
function _M.version()
    return own_version() + changes[HTTP_HEALTH]
end


--- As in health/ejection.lua.
function _M.read()
    local ejected, _, count = read_own()
    return ejected, unhealthy(), count
end


return _M
