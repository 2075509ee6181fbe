-- Who has a certificate of an authority. The handshake has asked for it, by the record of the host;
-- here each request sees to it that this was so for its own route.

local distinguished_name = require "ingress.pure.distinguished_name"
local record_key = require "ingress.pure.record_key"
local shape = require "ingress.pure.shape"
local tls_redirect = require "ingress.policy.tls_redirect"

local FORBIDDEN = 403
local FOUND = 302
-- Of NGINX: their page is that of 400.
local BAD_CERTIFICATE = 495
local REFUSALS = { none = 496 }
local UNAVAILABLE = 503

local LONGEST_PATTERN = 512
local LONGEST_URL = 2048
local DEEPEST = 100
local MEMBERS = {
    authority = true, depth = true, verify = true, match_cn = true, error_page = true, pass = true,
}
-- What a certificate may be, beside "good".
local MODES = {
    on = {},
    optional = { none = true },
    optional_no_ca = { none = true, unknown_issuer = true },
}

local _M = {}


local function is_url(text)
    return shape.is_text(text, LONGEST_URL) and text:find("^https?://[%w.:%[%]-]+[!-~]*$") ~= nil
end


local function check_pattern(pattern, compiles)
    if not shape.is_text(pattern, LONGEST_PATTERN) then
        return "client_certificate.match_cn must be text of at most 512 bytes"
    end
    local ok, err = compiles(pattern)
    return not ok and "client_certificate.match_cn is no regular expression: " .. err or nil
end


function _M.validate(value, deps)
    return shape.object(value, MEMBERS, "client_certificate")
        or record_key.kind(value.authority) ~= "authority"
            and "client_certificate.authority must be an authority key"
        or not shape.is_integer(value.depth, 0, DEEPEST)
            and "client_certificate.depth must be a whole number up to 100"
        or not MODES[value.verify]
            and "client_certificate.verify must be on, optional or optional_no_ca"
        or value.match_cn ~= nil and check_pattern(value.match_cn, deps.compiles)
        or value.error_page ~= nil and not is_url(value.error_page)
            and "client_certificate.error_page must be a URL"
        or value.pass ~= nil and value.pass ~= true and "client_certificate.pass must be true"
        or nil
end


-- The whole name, in its case; one that takes too long to match does not.
local function has_name(pattern)
    local name = distinguished_name.common_name(ngx.var.ssl_client_s_dn or "")
    return name ~= nil and ngx.re.find(name, "^(?:" .. pattern .. ")\\z", "jo") ~= nil
end


local function set_header(name, text)
    if text and text ~= "" then
        ngx.req.set_header(name, text)
    else
        ngx.req.clear_header(name)
    end
end


-- In place of what the client sent under these names.
local function tell_backend(pass)
    local var = ngx.var
    set_header("ssl-client-verify", var.ssl_client_verify)
    set_header("ssl-client-subject-dn", var.ssl_client_s_dn)
    set_header("ssl-client-issuer-dn", var.ssl_client_i_dn)
    set_header("ssl-client-cert", pass and var.ssl_client_escaped_cert)
end


local function refuse_certificate(status, value)
    if value.error_page then
        return ngx.redirect(value.error_page, FOUND)
    end
    return ngx.exit(status)
end


-- Without TLS there is no certificate: whoever is to come by TLS is told so.
local function refuse_plain(redirect)
    if redirect then
        tls_redirect.apply(redirect)
    end
    return ngx.exit(FORBIDDEN)
end


-- On a new connection the client is asked anew (RFC 9110, 15.5.20): this location closes the one at
-- hand, where HTTP has a way to.
local function misdirected()
    return ngx.exec("@error_421")
end


function _M.compile(value, route)
    -- Policies are loaded without NGINX, too.
    local judge = require("ingress.tls.client_certificate").judge
    local redirect, accepted = route.policies.tls_redirect, MODES[value.verify]
    return function()
        local verdict = judge(value)
        if verdict == "plain" then
            return refuse_plain(redirect)
        elseif verdict == "unavailable" then
            return ngx.exit(UNAVAILABLE)
        elseif verdict == "misdirected" then
            return misdirected()
        elseif verdict ~= "good" and not accepted[verdict] then
            return refuse_certificate(REFUSALS[verdict] or BAD_CERTIFICATE, value)
        elseif value.match_cn and not has_name(value.match_cn) then
            return ngx.exit(FORBIDDEN)
        end
        tell_backend(value.pass)
    end
end


return _M
