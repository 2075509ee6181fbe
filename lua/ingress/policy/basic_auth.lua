-- Who has a name and a password of a htpasswd record (RFC 7617).

local credentials = require "ingress.pure.credentials"
local is_asked = require("ingress.pure.asked_route").is_asked
local record_key = require "ingress.pure.record_key"
local shape = require "ingress.pure.shape"

local LONGEST_REALM = 256
local MEMBERS = { users = true, realm = true }
local UNAUTHORIZED, FORBIDDEN, UNAVAILABLE = 401, 403, 503

local _M = {}


local function is_realm(text)
    return shape.is_text(text, LONGEST_REALM) and not text:find("[^\32-\126]")
end


function _M.validate(value)
    return shape.object(value, MEMBERS, "basic_auth")
        or record_key.kind(value.users) ~= "htpasswd" and "basic_auth.users must be a htpasswd key"
        or not is_realm(value.realm)
            and "basic_auth.realm must be printable ASCII of at most 256 bytes"
        or nil
end


--- Backends do not see the password. A variable that the configuration reads keeps its value, so
-- that the log has the name.
function _M.hide()
    local _ = ngx.var.remote_user
    ngx.req.clear_header("Authorization")
end


--- @return function: the status to refuse the request at hand with; nil: it has a right password
function _M.check(value)
    -- Policies are loaded without NGINX, too.
    local users = require "ingress.password.users"
    local decode = ngx.decode_base64
    return function()
        local record = users.find(value.users)
        if not record then
            return UNAVAILABLE
        end
        local name, password = credentials.parse(ngx.var.http_authorization, decode)
        if not name then
            return UNAUTHORIZED
        end
        local matches, status = users.let_in(record, name, password)
        return status or not matches and UNAUTHORIZED or nil
    end
end


--- @param value  nil: nobody can log in
-- @return function(status) that ends the request at hand
function _M.refuser(value)
    local challenge = value and credentials.challenge(value.realm)
    return function(status)
        if challenge then
            -- A page of the error may be that of a default backend.
            _M.hide()
        end
        if status == UNAUTHORIZED then
            ngx.header["WWW-Authenticate"] = challenge
        elseif status ~= FORBIDDEN then
            ngx.header["Retry-After"] = 1
        end
        return ngx.exit(status)
    end
end


--- Nothing where `satisfy` decides.
function _M.compile(value, route)
    if route.policies.satisfy then
        return nil
    end
    local check, refuse = _M.check(value), _M.refuser(value)
    -- A service that is asked afterwards gets the header, too.
    local hide = not is_asked(route) and _M.hide
    return function()
        local status = check()
        if status then
            return refuse(status)
        end
        if hide then
            hide()
        end
    end
end


return _M
