-- rewrite_by_lua of `location @watched`.
return require("ingress.dispatch").watched
