-- rewrite_by_lua of `location /`.
return require("ingress.dispatch").ordinary
