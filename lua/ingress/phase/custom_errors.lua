-- rewrite_by_lua of `location @custom_errors`.
return require("ingress.dispatch").custom_errors
