-- header_filter_by_lua of the locations whose answers a route may change.
return require("ingress.response").filter
