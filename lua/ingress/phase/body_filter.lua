-- body_filter_by_lua of the location classes some of whose errors have pages of a default backend.
return require("ingress.response").filter_body
