-- The endpoints of a backend's record, and the order in which they are used: those that are near,
-- then those of other zones, then those that are about to end.

local address = require "ingress.pure.address"
local destination = require "ingress.destination"

local canonical = address.canonical
local ipairs = ipairs
local random = math.random

local NONE = {}

local _M = {}


-- There are many of them: a table of four members is half as large as one of five, so only what is
-- there is set.
local function compile_endpoint(bytes, item)
    local text, port, attributes = item[1], item[2], item[3] or NONE
    local endpoint = {
        id = canonical(bytes) .. " " .. port,
        host = #bytes == 16 and "[" .. text .. "]" or canonical(bytes),
        port = port,
    }
    if attributes.draining then
        endpoint.draining = true
    end
    if attributes.priority == 1 then
        endpoint.far = true
    end
    if destination.is_own(bytes) then
        endpoint.own = true
    end
    return endpoint
end


--- Endpoints of a record: array of {id, host, port, draining, far, own}. Refused addresses are left
-- out here too, so that choosing a peer needs no check.
function _M.compile(record, key)
    local endpoints = {}
    for _, item in ipairs(record.endpoints) do
        local bytes = address.parse(item[1])
        local refusal = bytes and destination.refusal(bytes, item[2]) or not bytes and "no address"
        if refusal then
            ngx.log(ngx.ERR, key, ": ", item[1], " is ", refusal)
        else
            endpoints[#endpoints + 1] = compile_endpoint(bytes, item)
        end
    end
    return endpoints
end


local function select(endpoints, is_wanted)
    local found = {}
    for _, endpoint in ipairs(endpoints) do
        if is_wanted(endpoint) then
            found[#found + 1] = endpoint
        end
    end
    return found
end


local function is_near(endpoint)
    return not endpoint.draining and not endpoint.far
end


local function is_far(endpoint)
    return not endpoint.draining and endpoint.far
end


local function is_ready(endpoint)
    return not endpoint.draining
end


local function is_draining(endpoint)
    return endpoint.draining
end


local function is_special(endpoint)
    return endpoint.draining or endpoint.far
end


--- Which endpoints requests choose among.
-- @return {pool, lists, near, ready}: `pool` to begin with. `lists`: all of them, in the order of
--   preference; nil when they are all alike. `near`, `ready`: when some of the ready ones are far
function _M.arrange(endpoints)
    if not select(endpoints, is_special)[1] then
        return { pool = endpoints }
    end
    local lists = {}
    for _, is_wanted in ipairs({ is_near, is_far, is_draining }) do
        local list = select(endpoints, is_wanted)
        if list[1] then
            lists[#lists + 1] = list
        end
    end
    local ready = select(endpoints, is_ready)
    local has_zones = ready[1] ~= nil and #lists[1] < #ready
    return {
        pool = lists[1],
        lists = lists,
        near = has_zones and lists[1] or nil,
        ready = has_zones and ready or nil,
    }
end


--- Whether the near ones are too few: fewer than half of them, or none, is left.
-- @param excluded set of ids, or nil
function _M.is_short(near, excluded)
    if not excluded then
        return false
    end
    local left = 0
    for _, endpoint in ipairs(near) do
        if not excluded[endpoint.id] then
            left = left + 1
        end
    end
    return left == 0 or 2 * left < #near
end


--- One that is not excluded, in the order of preference; nil when all are.
function _M.spare(lists, excluded)
    for _, list in ipairs(lists) do
        local count = #list
        local first = random(count)
        for distance = 1, count do
            local endpoint = list[(first + distance) % count + 1]
            if not excluded[endpoint.id] then
                return endpoint
            end
        end
    end
end


return _M
