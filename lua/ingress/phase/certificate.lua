-- ssl_certificate_by_lua of the TLS servers.
return require("ingress.tls.certificate").run
