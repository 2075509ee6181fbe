-- rewrite_by_lua of `location = //mirror` and `//mirror_without_body`.
return require("ingress.mirror").send
