-- The ciphers of a host, in place of those of the configuration: set in the certificate phase. Up
-- to TLS 1.2 OpenSSL chooses after it; the suite of TLS 1.3 is chosen before.

local ffi = require "ffi"
local get_request = require("resty.core.base").get_request

local C = ffi.C

-- Names of our own: others declare some of these with other types.
ffi.cdef [[
void *resty_ingress_handshake_tls(void *request, char **err)
    __asm__("ngx_http_lua_ffi_get_req_ssl_pointer");
int resty_ingress_set_cipher_list(void *tls, const char *list) __asm__("SSL_set_cipher_list");
uint64_t resty_ingress_set_options(void *tls, uint64_t options) __asm__("SSL_set_options");
uint64_t resty_ingress_clear_options(void *tls, uint64_t options) __asm__("SSL_clear_options");
]]

-- SSL_OP_CIPHER_SERVER_PREFERENCE
local SERVER_PREFERENCE = 0x00400000

local err_pointer = ffi.new("char *[1]")

local _M = {}


--- @param ciphers  {list, prefer_server}, each may be nil. Raises what OpenSSL cannot take: a
--                  handshake without what the owner of the host asked for would be none of his.
function _M.apply(ciphers)
    local tls = C.resty_ingress_handshake_tls(get_request(), err_pointer)
    assert(tls ~= nil, "the connection has no TLS")
    if ciphers.list then
        local is_set = C.resty_ingress_set_cipher_list(tls, ciphers.list) == 1
        assert(is_set, "no cipher of the list is there")
    end
    if ciphers.prefer_server == false then
        C.resty_ingress_clear_options(tls, SERVER_PREFERENCE)
    elseif ciphers.prefer_server then
        C.resty_ingress_set_options(tls, SERVER_PREFERENCE)
    end
end


return _M
