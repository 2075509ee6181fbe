-- log_by_lua of the server, when requests are counted.
return require("ingress.metrics.request").observe
