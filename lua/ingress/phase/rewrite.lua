-- server_rewrite_by_lua.
return require("ingress.dispatch").enter
