-- The certificate by which backends know who we are: of a record, at each request, so that a new
-- one needs no reload and no file holds the key.

local record_key = require "ingress.pure.record_key"
local shape = require "ingress.pure.shape"

local MEMBERS = { identity = true }
local UNAVAILABLE = 503
-- What NGINX calls PEM text that is no file.
local DATA = "data:"

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "backend_tls")
        or record_key.kind(value.identity) ~= "certificate"
            and "backend_tls.identity must be a certificate key"
        or nil
end


--- Without the certificate backends would meet a stranger: the route is closed until it is there.
function _M.compile(value)
    -- Policies are loaded without NGINX, too.
    local pem = require("ingress.tls.key_pair").pem
    return function()
        local pair = pem(value.identity)
        if not pair then
            return ngx.exit(UNAVAILABLE)
        end
        ngx.var.backend_certificate = DATA .. pair.chain
        ngx.var.backend_certificate_key = DATA .. pair.key
    end
end


return _M
