-- Texts made for the current session, from the templates of its record (pure/stream_record.lua).
-- Behind a load balancer that speaks PROXY protocol the client is who it says.

local concat = table.concat
local ngx_var = ngx.var

-- Variable -> the one that says it of the client itself, when it is there.
local OF_CLIENT = {
    binary_remote_addr = "proxy_protocol_addr",
    remote_addr = "proxy_protocol_addr",
    remote_port = "proxy_protocol_port",
}

local _M = {}


local function value_of(name)
    local of_client = OF_CLIENT[name] and ngx_var[OF_CLIENT[name]]
    return of_client and of_client ~= "" and of_client or ngx_var[name] or ""
end


--- @return function() -> the text for the current session
function _M.compile(template)
    return function()
        local values = {}
        for i = 1, #template do
            local part = template[i]
            values[i] = part.text or value_of(part.var)
        end
        return concat(values)
    end
end


return _M
