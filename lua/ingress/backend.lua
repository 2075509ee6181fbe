-- Backends as the balancer sees them: the endpoints of a record, and a picker for each way in which
-- routes want them to be chosen.

local address = require "ingress.pure.address"
local algorithms = require "ingress.picker.registry"
local destination = require "ingress.destination"
local health = require "ingress.health"
local process = require "ingress.process"
local store = require "ingress.store"

local pairs = pairs

local WEAK_KEYS = { __mode = "k" }

local _M = {}

-- Made when the configuration is loaded: all workers have it from the master.
local COMMON_PHASE = tonumber(process.random_id():sub(1, 8), 16) / 2 ^ 32

-- Workers begin their turns at even distances, so that few requests go to many peers.
local function phase()
    return (COMMON_PHASE + (ngx.worker.id() or 0) / ngx.worker.count()) % 1
end


local deps = { random = math.random, now = ngx.now, phase = phase }


-- Refused addresses are left out here too, so that choosing a peer needs no check.
local function compile_endpoints(record, entry_key)
    local endpoints = {}
    for _, pair in ipairs(record.endpoints) do
        local text, port = pair[1], pair[2]
        local bytes = address.parse(text)
        local refusal = bytes and destination.refusal(bytes) or not bytes and "no address"
        if refusal then
            ngx.log(ngx.ERR, entry_key, ": ", text, " is ", refusal)
        else
            local host = #bytes == 16 and "[" .. text .. "]" or address.canonical(bytes)
            endpoints[#endpoints + 1] = {
                id = address.canonical(bytes) .. " " .. port,
                host = host,
                port = port,
                -- target -> state of a first try (balancer.lua), as long as the target lives.
                first_tries = setmetatable({}, WEAK_KEYS),
            }
        end
    end
    return endpoints
end


-- Pickers stay, so that a change of the endpoints keeps what they know.
local function compile(record, key, previous)
    local endpoints = compile_endpoints(record, key)
    local pickers = previous and previous.pickers or {}
    for _, picker in pairs(pickers) do
        picker:update(endpoints)
    end
    if previous then
        health.retain(previous.endpoints, endpoints)
    end
    return { key = key, endpoints = endpoints, pickers = pickers }
end


store.register("backend", compile, { weak = true })


local function add_picker(backend, target)
    local options = target.load_balance
    local picker = algorithms.by_name[options.algorithm].new(backend.endpoints, options, deps)
    backend.pickers[target.picker_id] = picker
    return picker
end


--- The endpoint for the current request, {id, host, port, first_tries}; nil when there is none.
-- @param backend  value of the entry of the target
-- @param excluded set of endpoint ids that are chosen only when no other is left, or nil
function _M.pick(backend, target, excluded)
    local picker = backend.pickers[target.picker_id] or add_picker(backend, target)
    local key = target.key
    local index = picker:pick(key and key(), excluded)
    return index and backend.endpoints[index]
end


--- The end of a try, for pickers that have to know.
-- @param id      of the endpoint
-- @param seconds that it took, nil when unknown
function _M.done(target, id, seconds, failed)
    local backend = store.value(target.entry)
    local picker = backend and backend.pickers[target.picker_id]
    if picker and picker.done then
        picker:done(id, seconds, failed)
    end
end


return _M
