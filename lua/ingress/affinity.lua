-- Affinity: requests of a client go to the endpoint that its cookie stands for.
--
-- The cookie is `<token>.<tag>`, 16 and 8 hexadecimal digits. The tag tells which backend of the
-- route the session is with. The token is
--   balanced    a random key, which consistent hash leads to an endpoint: it means the same after
--               any restart, and some sessions move when there is a new endpoint
--   persistent  a keyed hash of one endpoint, from which no address can be read: the session stays
--               as long as the endpoint is there
-- A session follows its endpoint until it is gone, also while it is draining.

local endpoints_of = require "ingress.endpoints"
local hash = require "ingress.pure.hash"
local ring = require "ingress.picker.support.ring"
local session_cookie = require "ingress.session_cookie"

local byte = string.byte
local format = string.format
local hmac_sha1 = ngx.hmac_sha1
local match = string.match
local ngx_var = ngx.var
local random = math.random

local LENGTH = 25
local FORM = "^([0-9a-f]+)%.([0-9a-f]+)$"
local TOKEN_BYTES = 8
local LARGEST_WORD = 2 ^ 32 - 1
-- Keys that are drawn before one that leads to an endpoint that is not wanted is taken: with three
-- of four endpoints out, one in 300 comes to that.
local DRAWS = 20
-- Positions of the ring that are looked at for an endpoint that is left.
local POSITIONS = 64

local _M = {}


--- What the balancer has to know of the affinity of a route towards one of its backends.
-- @param policy  record (policy/affinity.lua)
-- @param key     of the backend
function _M.compile(policy, key)
    return {
        mode = policy.mode,
        change_on_failure = policy.change_on_failure,
        variable = "cookie_" .. policy.name,
        tag = format("%08x", hash.hash(key)),
        policy = policy,
    }
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


-- Those that a session may be with: the nearest ones, draining or not, so that nobody moves before
-- an endpoint is gone.
local function ring_of(backend)
    local known = backend.sessions
    if known then
        return known
    end
    local first = backend.lists and backend.lists[1][1]
    local members = {}
    for _, endpoint in ipairs(backend.endpoints) do
        if not first or endpoint.far == first.far then
            members[#members + 1] = endpoint
        end
    end
    known = { members = members, points = ring.new(members, equal) }
    backend.sessions = known
    return known
end


-- The endpoint of a key, or of those that come next the first that is not excluded.
local function owner(sessions, token, excluded)
    local points = sessions.points
    local position = points:locate(hash.hash(token))
    local first = sessions.members[points:owner(position)]
    local endpoint = first
    for _ = 1, excluded and POSITIONS or 0 do
        if not excluded[endpoint.id] then
            return endpoint
        end
        position = points:next_position(position)
        endpoint = sessions.members[points:owner(position)]
    end
    return first
end


local function is_out(endpoint, excluded)
    return excluded ~= nil and excluded[endpoint.id] ~= nil
end


-- A key that leads to an endpoint which is neither excluded nor about to end.
local function new_session(sessions, excluded)
    local token, endpoint
    for _ = 1, DRAWS do
        token = format("%08x%08x", random(0, LARGEST_WORD), random(0, LARGEST_WORD))
        endpoint = owner(sessions, token)
        if not endpoint.draining and not is_out(endpoint, excluded) then
            break
        end
    end
    return token, endpoint
end


local function find_balanced(backend, session, excluded)
    local sessions = ring_of(backend)
    local token = token_of_request(session)
    local endpoint = token and owner(sessions, token)
    if not token or session.change_on_failure and is_out(endpoint, excluded) then
        token, endpoint = new_session(sessions, excluded)
        set_cookie(session, token)
    end
    if is_out(endpoint, excluded) then
        endpoint = owner(sessions, token, excluded)
    end
    if is_out(endpoint, excluded) and backend.lists then
        return endpoints_of.spare(backend.lists, excluded) or endpoint
    end
    return endpoint
end


--- The endpoint of the session of the current request; a balanced session begins here.
-- @param excluded set of ids, or nil
-- @return nil: somebody else has to choose, and `offer` it
function _M.find(backend, session, excluded)
    if session.mode == "balanced" then
        return backend.endpoints[1] and find_balanced(backend, session, excluded)
    end
    local token = token_of_request(session)
    local endpoint = token and tokens_of(backend).owners[token]
    return endpoint and not is_out(endpoint, excluded) and endpoint or nil
end


--- Begins a persistent session with an endpoint, unless there is one that is to outlive a failure.
function _M.offer(backend, session, endpoint)
    local tokens = tokens_of(backend)
    local token = token_of_request(session)
    if session.change_on_failure or not (token and tokens.owners[token]) then
        set_cookie(session, tokens.by_id[endpoint.id])
    end
end


return _M
