-- The certificate of a TLS handshake: of the host record for the name (exact, then the wildcard of
-- one label), else the default.

local client_certificate = require "ingress.tls.client_certificate"
local client_ciphers = require "ingress.tls.client_ciphers"
local faults = require "ingress.faults"
local host_name = require "ingress.pure.host_name"
local key_pair = require "ingress.tls.key_pair"
local record_key = require "ingress.pure.record_key"
local router = require "ingress.router"
local ssl = require "ngx.ssl"
local store = require "ingress.store"

local lookup = key_pair.lookup

local _M = {}


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
