-- EWMA: of two endpoints drawn by weight, the one that answered faster lately.
--
-- The score of an endpoint is the moving average of the seconds that its tries took, in which each
-- loses weight exponentially with time (10 s, as in ingress-nginx); between measurements it decays
-- to 0, so that a slow endpoint gets another chance. As in Finagle's peak EWMA the score is
-- multiplied by what is in flight: otherwise an endpoint that hangs would get most requests until
-- the first of them times out.

local in_flight = require "ingress.picker.support.in_flight"
local sampler = require "ingress.picker.support.sampler"
local weights = require "ingress.picker.support.weights"

local exp = math.exp
local max = math.max
local setmetatable = setmetatable

local weight_of = weights.of

local DECAY_SECONDS = 10
-- Less does not tell endpoints apart: then requests in flight decide.
local LEAST_SECONDS = 0.001
-- A failure is no fast answer.
local FAILURE_SECONDS = 1
-- What is assumed from an endpoint's first request until its answer, lest one that never answers
-- looks like the fastest of all.
local ASSUMED_SECONDS = 1

local _M = {}
_M.__index = _M


-- State of an endpoint: {score, at, assumed}; `at` is nil before its first request.
local function decayed(state, now)
    return state.at and state.score * exp(-max(now - state.at, 0) / DECAY_SECONDS) or 0
end


-- Of those that have been measured; nil when none has.
local function average(states, now)
    local sum, count = 0, 0
    for index = 1, #states do
        local state = states[index]
        if state.at and not state.assumed then
            sum, count = sum + decayed(state, now), count + 1
        end
    end
    return count > 0 and sum / count or nil
end


-- A newcomer with a score of 0 would get everything, so it starts as an average one.
local function set(self, endpoints)
    local now = self.now()
    local score = average(self.states, now)
    local states, by_id = {}, {}
    for index = 1, #endpoints do
        local id = endpoints[index].id
        local state = self.by_id[id] or { score = score or 0, at = score and now }
        states[index], by_id[id] = state, state
    end
    self.states, self.by_id = states, by_id
    self.sampler = sampler.new(endpoints, self.random)
    return self
end


function _M.new(endpoints, _, deps)
    return set(setmetatable({
        random = deps.random,
        now = deps.now,
        in_flight = in_flight.new(),
        states = {},
        by_id = {},
    }, _M), endpoints)
end


local function cost(self, index, now)
    local drawn = self.sampler
    local endpoint = drawn.endpoints[index]
    local pending = self.in_flight.counts[endpoint.id] or 0
    if pending > 0 and drawn.sums then
        pending = pending * drawn.mean / weight_of(endpoint)
    end
    return (decayed(self.states[index], now) + LEAST_SECONDS) * (pending + 1)
end


function _M:pick(_, excluded)
    local drawn = self.sampler
    if #drawn.endpoints == 0 then
        return nil, "no endpoint"
    end
    local index, second = drawn:pick_two(excluded)
    if second then
        local now = self.now()
        if cost(self, second, now) < cost(self, index, now) then
            index = second
        end
    end
    local state = self.states[index]
    if not state.at then
        state.score, state.at, state.assumed = ASSUMED_SECONDS, self.now(), true
    end
    self.in_flight:begin(drawn.endpoints[index].id)
    return index
end


function _M:begin(id)
    self.in_flight:begin(id)
end


function _M:done(id, seconds, failed)
    self.in_flight:finish(id)
    if failed then
        seconds = max(seconds or 0, FAILURE_SECONDS)
    end
    local state = self.by_id[id]
    if not state or not seconds then
        return
    end
    local now = self.now()
    local is_known = state.at and not state.assumed
    local kept = is_known and exp(-max(now - state.at, 0) / DECAY_SECONDS) or 0
    state.score = state.score * kept + seconds * (1 - kept)
    state.at, state.assumed = now, nil
end


_M.update = set


return _M
