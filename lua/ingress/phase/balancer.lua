-- balancer_by_lua of the upstreams.
return require("ingress.balance.balancer").run
