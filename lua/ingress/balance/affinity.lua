-- Affinity: requests of a client go to the endpoint that its cookie stands for.
--
-- The cookie is `<token>.<tag>`, 16 and 8 hexadecimal digits. The tag tells which backend of the
-- route the session is with. The token is
--   balanced    a random key, which consistent hash leads to an endpoint: it means the same after
--               any restart, and some sessions move when there is a new endpoint
--   persistent  a keyed hash of one endpoint, from which no address can be read: the session stays
--               as long as the endpoint is there
-- A session follows its endpoint until it is gone, also while it is draining.

local hash = require "ingress.pure.hash"
local ring = require "ingress.picker.support.ring"
local session_cookie = require "ingress.balance.session_cookie"

local byte = string.byte
local format = string.format
local hmac_sha1 = ngx.hmac_sha1
local match = string.match
local ngx_var = ngx.var
local random = math.random
local setmetatable = setmetatable

local LENGTH = 25
local FORM = "^([0-9a-f]+)%.([0-9a-f]+)$"
local TOKEN_BYTES = 8
local LARGEST_WORD = 2 ^ 32 - 1
-- Keys that are drawn before one is taken that leads to an endpoint that is not welcome: with nine
-- of ten endpoints out, one in 800 comes to that.
local DRAWS = 64
-- Positions of the ring that are looked at for an endpoint that is left.
local POSITIONS = 64

local _M = {}
_M.__index = _M


--- What the balancer has to know of the affinity of a route towards one of its backends.
-- @param policy  record (policy/affinity.lua)
-- @param key     of the backend
function _M.compile(policy, key)
    return setmetatable({
        mode = policy.mode,
        change_on_failure = policy.change_on_failure,
        variable = "cookie_" .. policy.name,
        tag = format("%08x", hash.hash(key)),
        policy = policy,
    }, _M)
end


--- Token and tag of the cookie of the current request; nil when it has none that we could have set.
function _M.read(variable)
    local value = ngx_var[variable]
    if not value or #value ~= LENGTH then
        return nil
    end
    local token, tag = match(value, FORM)
    if not token or #token ~= 2 * TOKEN_BYTES then
        return nil
    end
    return token, tag
end


local function token_of_request(session)
    local token, tag = _M.read(session.variable)
    return tag == session.tag and token or nil
end


local function set_cookie(session, token)
    session_cookie.set(session.policy, token .. "." .. session.tag)
end


local function to_hex(bytes)
    return (bytes:gsub(".", function(one)
        return format("%02x", byte(one))
    end))
end


-- Tokens of a backend: {owners: token -> endpoint, by_id: id -> token}. What was counted before the
-- endpoints changed is counted no more.
local function tokens_of(backend)
    local tokens = backend.tokens
    if tokens then
        return tokens
    end
    local known = backend.known_tokens or {}
    tokens = { owners = {}, by_id = {} }
    for _, endpoint in ipairs(backend.endpoints) do
        local id = endpoint.id
        local token = known[id] or to_hex(hmac_sha1(backend.salt, id):sub(1, TOKEN_BYTES))
        tokens.owners[token], tokens.by_id[id] = endpoint, token
    end
    backend.tokens, backend.known_tokens = tokens, tokens.by_id
    return tokens
end


-- All weigh the same, or sessions would move while a newcomer warms up.
local function equal()
    return 1
end


-- Of all endpoints, also of other zones and draining ones: nobody moves before an endpoint is gone.
local function ring_of(backend)
    local points = backend.session_ring
    if not points then
        points = ring.new(backend.endpoints, equal)
        backend.session_ring = points
    end
    return points
end


local function owner(backend, token)
    local points = ring_of(backend)
    return backend.endpoints[points:owner(points:locate(hash.hash(token)))]
end


-- Of those that come next in the ring the first that is not excluded, rather one that stays.
local function next_owner(backend, token, excluded)
    local points = ring_of(backend)
    local position = points:locate(hash.hash(token))
    local spare
    for _ = 1, POSITIONS do
        local endpoint = backend.endpoints[points:owner(position)]
        if not excluded[endpoint.id] then
            if not endpoint.draining then
                return endpoint
            end
            spare = spare or endpoint
        end
        position = points:next_position(position)
    end
    return spare
end


local function is_out(endpoint, excluded)
    return excluded ~= nil and excluded[endpoint.id] ~= nil
end


local function is_welcome(backend, endpoint, excluded)
    return not endpoint.draining
        and not (endpoint.far and backend.near)
        and not is_out(endpoint, excluded)
end


-- A key that leads to an endpoint which ordinary requests would be sent to.
local function new_session(backend, excluded)
    local token, endpoint
    for _ = 1, DRAWS do
        token = format("%08x%08x", random(0, LARGEST_WORD), random(0, LARGEST_WORD))
        endpoint = owner(backend, token)
        if is_welcome(backend, endpoint, excluded) then
            break
        end
    end
    return token, endpoint
end


local function find_balanced(backend, session, excluded)
    local token = token_of_request(session)
    local endpoint = token and owner(backend, token)
    if not token or session.change_on_failure and is_out(endpoint, excluded) then
        token, endpoint = new_session(backend, excluded)
        set_cookie(session, token)
    end
    return is_out(endpoint, excluded) and next_owner(backend, token, excluded) or endpoint
end


--- The endpoint of the session of the current request; a balanced session begins here.
-- @param excluded set of ids, or nil
-- @return nil: somebody else has to choose, and `offer` it
function _M:find(backend, excluded)
    if self.mode == "balanced" then
        return backend.endpoints[1] and find_balanced(backend, self, excluded)
    end
    local token = token_of_request(self)
    local endpoint = token and tokens_of(backend).owners[token]
    return endpoint and not is_out(endpoint, excluded) and endpoint or nil
end


--- Begins a persistent session with an endpoint, unless there is one that is to outlive a failure.
function _M:offer(backend, endpoint)
    local tokens = tokens_of(backend)
    local token = token_of_request(self)
    if self.change_on_failure or not (token and tokens.owners[token]) then
        set_cookie(self, tokens.by_id[endpoint.id])
    end
end


return _M
