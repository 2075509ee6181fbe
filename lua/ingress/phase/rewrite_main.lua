-- server_rewrite_by_lua where there are subrequests, which go where NGINX sends them.
local enter = require("ingress.dispatch").enter


return function(listener)
    if ngx.is_subrequest then
        return
    end
    return enter(listener)
end
