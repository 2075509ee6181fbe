-- rewrite_by_lua of `@large_body`, where a request with a large Content-Length comes.
return require("ingress.dispatch").large_body
