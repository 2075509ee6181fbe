-- content_by_lua of the control API.
return require("ingress.control.api").handle
