-- Backends as the balancer sees them: the endpoints of a record, and a picker for each way in which
-- routes want them to be chosen.

local algorithms = require "ingress.picker.registry"
local endpoints_of = require "ingress.balance.endpoints"
local health = require "ingress.health"
local process = require "ingress.process"
local slow_start = require "ingress.balance.slow_start"
local store = require "ingress.store"

local monotonic_time = require("resty.core.time").monotonic_time
local pairs = pairs
local setmetatable = setmetatable
local value_of = store.value

-- Of what is kept by the `picker_id` of targets: a tenant may try out many, and a picker may take
-- half a megabyte.
local WHILE_USED = { __mode = "k" }

local _M = {}

-- Made when the configuration is loaded: all workers have it from the master.
local COMMON_PHASE = tonumber(process.random_id():sub(1, 8), 16) / 2 ^ 32

-- Workers begin their turns at even distances, so that few requests go to many peers.
local function phase()
    return (COMMON_PHASE + (ngx.worker.id() or 0) / ngx.worker.count()) % 1
end


local deps = { random = math.random, now = monotonic_time, phase = phase }


-- What a picker chooses among: the pool, with weights while some of it are new.
local function candidates(backend, id)
    local ramp = backend.ramps[id]
    if not ramp then
        return backend.pool
    end
    local list
    list, ramp.next_step = slow_start.weighted(backend, ramp.seconds, monotonic_time())
    return list
end


local function update_pickers(backend)
    for id, picker in pairs(backend.pickers) do
        picker:update(candidates(backend, id))
    end
end


-- Pickers stay, so that a change of the endpoints keeps what they know.
local function compile(record, key, previous)
    local endpoints = endpoints_of.compile(record, key)
    local backend = endpoints_of.arrange(endpoints)
    backend.key, backend.digest, backend.endpoints = key, record.digest, endpoints
    -- Of a record without: tokens then are no secret to who knows the name of the Service.
    backend.salt = record.salt or key
    backend.health_check = record.health_check
    backend.pickers = previous and previous.pickers or setmetatable({}, WHILE_USED)
    backend.ramps = previous and previous.ramps or setmetatable({}, WHILE_USED)
    if previous then
        health.retain(backend)
        backend.known_tokens = previous.salt == backend.salt and previous.known_tokens
        if previous.newcomers then
            slow_start.admit(backend, previous, monotonic_time())
        end
        update_pickers(backend)
    end
    return backend
end


store.register("backend", compile, { weak = true })


local function add_picker(backend, target)
    local options, id = target.load_balance, target.picker_id
    if target.slow_start then
        if not backend.newcomers then
            slow_start.admit(backend, nil, monotonic_time())
        end
        backend.ramps[id] = { seconds = target.slow_start }
    end
    local picker = algorithms.by_name[options.algorithm].new(candidates(backend, id), options, deps)
    backend.pickers[id] = picker
    return picker
end


-- Ejections decide whether the near endpoints are enough.
local function follow_health(backend)
    local excluded = health.excluded(backend)
    if excluded == backend.followed then
        return
    end
    backend.followed = excluded
    local pool = endpoints_of.is_short(backend.near, excluded) and backend.ready or backend.near
    if pool ~= backend.pool then
        backend.pool = pool
        update_pickers(backend)
    end
end


local function picker_of(backend, target)
    if backend.near then
        follow_health(backend)
    end
    local picker = backend.pickers[target.picker_id] or add_picker(backend, target)
    if target.slow_start then
        local id = target.picker_id
        if monotonic_time() >= backend.ramps[id].next_step then
            picker:update(candidates(backend, id))
        end
    end
    return picker
end


local function count_try(picker, id)
    if picker.begin then
        picker:begin(id)
    end
end


-- The whole pool is excluded: what else is there?
local function spare(backend, picker, endpoint, excluded)
    local other = endpoints_of.spare(backend.lists, excluded)
    if not other then
        return endpoint
    end
    if picker.done then
        picker:done(endpoint.id)
    end
    count_try(picker, other.id)
    return other
end


local function choose(backend, target, excluded)
    local picker = picker_of(backend, target)
    local key = target.key
    local index = picker:pick(key and key(), excluded)
    local endpoint = index and backend.pool[index]
    if excluded and endpoint and excluded[endpoint.id] and backend.lists then
        return spare(backend, picker, endpoint, excluded)
    end
    return endpoint
end


--- Whether a target has an endpoint at all; asked before a request is sent on its way.
function _M.has_endpoint(target)
    local backend = value_of(target.entry)
    return backend ~= nil and backend.endpoints[1] ~= nil
end


--- The endpoint for the current request, {id, host, port}; nil when there is none.
-- @param backend  value of the entry of the target
-- @param excluded set of endpoint ids that are chosen only when no other is left, or nil
function _M.pick(backend, target, excluded)
    local session = target.affinity
    if not session then
        return choose(backend, target, excluded)
    end
    local endpoint = session:find(backend, excluded)
    if not endpoint then
        endpoint = choose(backend, target, excluded)
        if endpoint then
            session:offer(backend, endpoint)
        end
    elseif session.mode == "persistent" then
        count_try(picker_of(backend, target), endpoint.id)
    end
    return endpoint
end


--- The end of a try, for pickers that have to know.
-- @param id      of the endpoint
-- @param seconds that it took, nil when unknown
function _M.done(target, id, seconds, failed)
    local backend = value_of(target.entry)
    local picker = backend and backend.pickers[target.picker_id]
    if picker and picker.done then
        picker:done(id, seconds, failed)
    end
end


return _M
