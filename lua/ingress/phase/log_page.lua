-- log_by_lua of the error pages.
return require("ingress.completion").run_page
