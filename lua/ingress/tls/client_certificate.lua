-- Certificates of clients: asked for in the handshakes of a host, and found again by its requests.
--
-- A connection serves more than the name of its handshake: a client may send any Host on it, and a
-- session that is resumed brings the certificate of another handshake, for which no certificate
-- phase runs (CVE-2025-23419). So a handshake that asks leaves a mark on its TLS session, which
-- says by what the certificate was judged, and a request compares it with what its own host
-- demands. The mark is the session id context. OpenSSL resumes a session only where that is equal
-- to the one of the connection, which has no mark before its own handshake asks: so such a session
-- is not resumed anywhere, and one that is resumed has no mark.

local ffi = require "ffi"
local get_request = require("resty.core.base").get_request
local ssl = require "ngx.ssl"
local store = require "ingress.store"

local C = ffi.C

-- Names of our own: others declare some of these with other types.
ffi.cdef [[
void *resty_ingress_request_tls(void *request, char **err)
    __asm__("ngx_http_lua_ffi_get_req_ssl_pointer");
void *resty_ingress_tls_session(const void *tls) __asm__("SSL_get_session");
void *resty_ingress_tls_context(const void *tls) __asm__("SSL_get_SSL_CTX");
int resty_ingress_tls_without_tickets(void *tls, size_t number) __asm__("SSL_set_num_tickets");
long resty_ingress_tls_verify_result(const void *tls) __asm__("SSL_get_verify_result");
int resty_ingress_tls_mark(void *tls, const char *mark, unsigned int length)
    __asm__("SSL_set_session_id_context");
int resty_ingress_session_mark(void *session, const char *mark, unsigned int length)
    __asm__("SSL_SESSION_set1_id_context");
const char *resty_ingress_session_marked(const void *session, unsigned int *length)
    __asm__("SSL_SESSION_get0_id_context");
int resty_ingress_session_forget(void *context, void *session) __asm__("SSL_CTX_remove_session");
unsigned char *resty_ingress_sha256(const char *text, size_t length, unsigned char *digest)
    __asm__("SHA256");
]]

local DIGEST_LENGTH = 32
-- What `optional_no_ca` forgives, as NGINX does: the issuer is not known (X509_V_ERR_*).
local UNKNOWN_ISSUER = { [2] = true, [18] = true, [19] = true, [20] = true, [21] = true }

local err_pointer = ffi.new("char *[1]")
local length_pointer = ffi.new("unsigned int[1]")
local digest = ffi.new("unsigned char[?]", DIGEST_LENGTH)

local _M = {}


local function compile(record, key)
    local certificates, err = ssl.parse_pem_cert(record.certificates)
    if not certificates then
        error("the certificates cannot be parsed: " .. err)
    end
    return { certificates = certificates, name = key .. " " .. record.digest, marks = {} }
end


store.register("authority", compile, {})


--- true, or nil, err: whether the certificates of an authority parse.
function _M.check(certificates)
    local parsed, err = ssl.parse_pem_cert(certificates)
    if not parsed then
        return nil, "the certificates cannot be parsed: " .. err
    end
    return true
end


local function mark_of(authority, depth)
    local mark = authority.marks[depth]
    if not mark then
        local text = authority.name .. " " .. depth
        C.resty_ingress_sha256(text, #text, digest)
        mark = ffi.string(digest, DIGEST_LENGTH)
        authority.marks[depth] = mark
    end
    return mark
end


-- nil: the connection has no TLS.
local function tls_of_request()
    local tls = C.resty_ingress_request_tls(get_request(), err_pointer)
    return tls ~= nil and tls or nil
end


--- Asks the client for a certificate, in the certificate phase. Whatever the client does then, the
-- handshake goes on: its requests are answered with what is wrong. Without the record nobody is
-- asked, and the routes of the host answer 503.
-- @param demand  {authority, depth} of a host record
function _M.ask(demand)
    local authority = store.lookup("authority", demand.authority)
    if not authority then
        return
    end
    assert(ssl.verify_client(authority.certificates, demand.depth))
    local tls = assert(tls_of_request())
    local mark = mark_of(authority, demand.depth)
    assert(C.resty_ingress_session_mark(C.resty_ingress_tls_session(tls), mark, #mark) == 1)
    -- Of the session that is made when the client has to begin anew (HelloRetryRequest): then this
    -- phase does not run again.
    assert(C.resty_ingress_tls_mark(tls, mark, #mark) == 1)
    -- Of TLS 1.3: they would never be of use.
    C.resty_ingress_tls_without_tickets(tls, 0)
end


local function has_mark(tls, mark)
    local found = C.resty_ingress_session_marked(C.resty_ingress_tls_session(tls), length_pointer)
    return length_pointer[0] == #mark and ffi.string(found, #mark) == mark
end


-- A session from before its host demanded certificates would be resumed again and again, and its
-- client never be asked.
local function forget_session(tls)
    local context, session = C.resty_ingress_tls_context(tls), C.resty_ingress_tls_session(tls)
    C.resty_ingress_session_forget(context, session)
end


--- What the connection of the current request says of a demand.
-- @param demand  {authority, depth}
-- @return "plain": no TLS; "unavailable": no record; "misdirected": this was not asked for in the
--         handshake; "none": the client has no certificate; "good"; "unknown_issuer" or "bad"
function _M.judge(demand)
    local tls = tls_of_request()
    if not tls then
        return "plain"
    end
    local authority = store.lookup("authority", demand.authority)
    if not authority then
        return "unavailable"
    end
    if not has_mark(tls, mark_of(authority, demand.depth)) then
        forget_session(tls)
        return "misdirected"
    end
    local verdict = ngx.var.ssl_client_verify
    if verdict == "NONE" then
        return "none"
    elseif verdict == "SUCCESS" then
        return "good"
    end
    local reason = tonumber(C.resty_ingress_tls_verify_result(tls))
    return UNKNOWN_ISSUER[reason] and "unknown_issuer" or "bad"
end


return _M
