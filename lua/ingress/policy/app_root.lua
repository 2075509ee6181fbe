-- Who asks for `/` is sent to where the application begins.

local client_url = require "ingress.pure.client_url"
local path_form = require "ingress.pure.path_form"
local shape = require "ingress.pure.shape"

local FOUND = 302
local MEMBERS = { path = true }

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "app_root")
        or not path_form.is_path(value.path) and "app_root.path must be a path"
        or nil
end


--- @param templates ingress.template
function _M.compile(value, _, templates)
    return function()
        if templates.client_path() == "/" then
            return ngx.redirect(client_url.origin(ngx.var) .. value.path, FOUND)
        end
    end
end


return _M
