-- log_by_lua of the locations that send requests to backends.
return require("ingress.completion").run
