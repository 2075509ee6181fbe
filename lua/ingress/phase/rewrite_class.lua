-- rewrite_by_lua of a location class.
return require("ingress.dispatch").class
