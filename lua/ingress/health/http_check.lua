-- One active check of an endpoint: GET by HTTP/1.1, with or without TLS, bounded in time and bytes.

local key_pair = require "ingress.tls.key_pair"

local find = string.find
local format = string.format
local lower = string.lower
local match = string.match
local max = math.max
local min = math.min
local monotonic_time = require("resty.core.time").monotonic_time
local tcp = ngx.socket.tcp
local tonumber = tonumber

-- Of a header; the same again is read of a body, so that the endpoint is not cut off.
local MOST_BYTES = 16384
local CHUNK = 4096
local ANY_GOOD = { { 200, 399 } }
local REQUEST = "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: resty-ingress\r\nAccept: */*\r\n"
    .. "Connection: close\r\n\r\n"

local _M = {}


local function reason_of(err)
    return err == "timeout" and "timeout" or "error"
end


-- Milliseconds, at least 1: what is left until the deadline counts for all operations together.
local function limit(socket, deadline)
    local left = max(1, (deadline - monotonic_time()) * 1000)
    socket:settimeouts(left, left, left)
end


-- The header, and maybe more; or nil, err.
local function read_header(socket, deadline)
    local text = ""
    while not find(text, "\r?\n\r?\n") do
        limit(socket, deadline)
        local chunk, err = socket:receiveany(CHUNK)
        if not chunk then
            return nil, err
        end
        text = text .. chunk
        if #text > MOST_BYTES or monotonic_time() >= deadline then
            return nil, monotonic_time() >= deadline and "timeout" or "too large"
        end
    end
    return text
end


-- An endpoint that is still writing would log that the connection was reset.
local function drain(socket, deadline, text)
    local _, body = find(text, "\r?\n\r?\n")
    local length = tonumber(match(lower(text), "\ncontent%-length: *(%d+)")) or MOST_BYTES
    local count = #text - body
    while count < min(length, MOST_BYTES) and monotonic_time() < deadline do
        limit(socket, deadline)
        local chunk = socket:receiveany(CHUNK)
        if not chunk then
            return
        end
        count = count + #chunk
    end
end


-- Whose certificate the endpoint shows is not looked at: ngx_lua knows one set of authorities for
-- all sockets. A check says nothing secret, and requests verify for themselves.
local function secure(socket, tls, deadline)
    local pair = tls.identity and key_pair.lookup(tls.identity)
    if tls.identity and not pair then
        return nil, "no certificate to show"
    elseif pair then
        assert(socket:setclientcert(pair.chain, pair.key))
    end
    limit(socket, deadline)
    return socket:sslhandshake(false, tls.name, false)
end


local function open(socket, host, port, check, deadline)
    limit(socket, deadline)
    local ok, err = socket:connect(host, port)
    if ok and check.tls then
        return secure(socket, check.tls, deadline)
    end
    return ok, err
end


-- The header of the answer, true where the handshake is all that is asked for; or nil, err.
local function exchange(socket, host, port, check)
    local deadline = monotonic_time() + check.timeout
    local ok, err = open(socket, host, port, check, deadline)
    if not ok or check.tls and check.tls.handshake then
        return ok, err
    end
    limit(socket, deadline)
    ok, err = socket:send(format(REQUEST, check.path, check.host or host .. ":" .. port))
    if not ok then
        return nil, err
    end
    local header
    header, err = read_header(socket, deadline)
    if header then
        drain(socket, deadline, header)
    end
    return header, err
end


--- Why the endpoint fails the check, one word: error, timeout, http_<status>; nil when it does not.
-- @param host  address, that of IPv6 in brackets
-- @param check {path, timeout, host, statuses, tls}: docs/control-api.md
function _M.failure(host, port, check)
    local socket = tcp()
    local header, err = exchange(socket, host, port, check)
    socket:close()
    if not header then
        return reason_of(err)
    elseif header == true then
        return nil
    end
    local status = tonumber(match(header, "^HTTP/1%.[01] (%d%d%d)[ \r\n]"))
    if not status then
        return "error"
    end
    for _, range in ipairs(check.statuses or ANY_GOOD) do
        if status >= range[1] and status <= range[2] then
            return nil
        end
    end
    return "http_" .. status
end


return _M
