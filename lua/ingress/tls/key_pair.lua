-- Certificates with their private keys, parsed: for handshakes with clients, and to show to
-- backends.

local ffi = require "ffi"
local recent = require "ingress.pure.recent"
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


--- What was parsed from the record of that key, {chain, key}; nil when there is none.
function _M.lookup(key)
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
    local pair = _M.lookup(key)
    if not pair then
        return nil
    end
    local record = texts[pair] or store.read(key)
    texts[pair] = record
    return record
end


return _M
