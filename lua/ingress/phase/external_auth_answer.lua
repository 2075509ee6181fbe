-- header_filter_by_lua of `location = //external_auth`.
return require("ingress.external_auth.question").answer
