-- access_by_lua of the location classes whose requests a service has to let in.
return require("ingress.external_auth").decide
