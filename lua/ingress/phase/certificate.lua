-- ssl_certificate_by_lua of the TLS servers.
return require("ingress.certificate").run
