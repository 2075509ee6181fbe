-- The certificate of a TLS handshake: of the host record for the name (exact, then the wildcard of
-- one label), else the default.

local client_certificate = require "ingress.client_certificate"
local client_ciphers = require "ingress.client_ciphers"
local faults = require "ingress.faults"
local ffi = require "ffi"
local host_name = require "ingress.pure.host_name"
local recent = require "ingress.pure.recent"
local record_key = require "ingress.pure.record_key"
local router = require "ingress.router"
local ssl = require "ngx.ssl"
local store = require "ingress.store"

-- Of 14 KB each, with a chain of two. A handshake for another parses it again, which costs three
-- times what the handshake itself does.
local MOST_PARSED = 2048

local _M = {}

ffi.cdef [[
void *OPENSSL_sk_value(const void *stack, int index);
int X509_check_private_key(const void *certificate, const void *key);
void ERR_clear_error(void);
]]


local function parse(chain, key)
    local certificates, err = ssl.parse_pem_cert(chain)
    if not certificates then
        return nil, "the chain cannot be parsed: " .. err
    end
    local private_key
    private_key, err = ssl.parse_pem_priv_key(key)
    if not private_key then
        return nil, "the key cannot be parsed: " .. err
    end
    return { chain = certificates, key = private_key }
end


--- true, or nil, err: whether chain and key parse and belong together.
function _M.check(chain, key)
    local pair, err = parse(chain, key)
    if not pair then
        return nil, err
    end
    local leaf = ffi.C.OPENSSL_sk_value(pair.chain, 0)
    local fits = ffi.C.X509_check_private_key(leaf, pair.key) == 1
    ffi.C.ERR_clear_error()
    if not fits then
        return nil, "the key does not belong to the first certificate of the chain"
    end
    return true
end


local function compile(record)
    local pair, err = parse(record.chain, record.key)
    if not pair then
        error(err)
    end
    return pair
end


store.register("certificate", compile, {})


-- At once: the collector sees a few bytes of what OpenSSL holds for a pair, and takes its time. A
-- connection that uses them has references of its own.
local function free(pair)
    ffi.gc(pair.chain, nil)
    ffi.gc(pair.key, nil)
    ffi.C.ngx_http_lua_ffi_free_cert(pair.chain)
    ffi.C.ngx_http_lua_ffi_free_priv_key(pair.key)
end


local parsed = recent.new(MOST_PARSED, function(key)
    local pair = store.release("certificate", key)
    if pair then
        free(pair)
    end
end)


local function lookup(key)
    local pair = store.lookup("certificate", key)
    if pair then
        parsed:use(key)
    end
    return pair
end


-- Parsed pair -> its record.
local texts = setmetatable({}, { __mode = "k" })


--- The record of a certificate that we show to others, {chain, key}; nil when there is none.
function _M.pem(key)
    local pair = lookup(key)
    if not pair then
        return nil
    end
    local record = texts[pair] or store.read(key)
    texts[pair] = record
    return record
end


local function show(pair)
    local ok, err = ssl.set_cert(pair.chain)
    if ok then
        ok, err = ssl.set_priv_key(pair.key)
    end
    assert(ok, err)
    return true
end


-- Of several, with keys of different types, OpenSSL takes the one that suits the client.
-- @return whether there is one
local function show_all(host)
    local pair = lookup(host.certificate)
    local shown = pair and show(pair)
    for _, key in ipairs(host.alternatives or {}) do
        pair = lookup(key)
        shown = pair and show(pair) or shown
    end
    return shown
end


local function show_default()
    local pair = lookup(record_key.DEFAULT_CERTIFICATE)
    return pair and show(pair)
end


local function choose(listener)
    store.refresh()
    local name = ssl.server_name()
    faults.subject = "handshake"
    name = name and host_name.of_handshake(name)
    local host, shown = router.handshake_hosts(listener, name)
    if not host and store.setting().reject_handshake then
        return false
    end
    ssl.clear_certs()
    if not (shown and show_all(shown) or show_default()) then
        return false
    end
    if host and host.ciphers then
        client_ciphers.apply(host.ciphers)
    end
    local demand = router.client_certificate(listener, name)
    if demand then
        client_certificate.ask(demand)
    end
    return true
end


--- Sets the certificate, without which the handshake fails, and asks for that of the client where
-- the host demands one.
function _M.run(listener)
    local ok, found = pcall(choose, listener)
    if not ok then
        faults.report(found)
    end
    if not ok or not found then
        return ngx.exit(ngx.ERROR)
    end
end


return _M
