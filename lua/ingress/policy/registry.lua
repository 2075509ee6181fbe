-- The policies that a route may carry. A name that is not here is refused with its record: a
-- protection that this data plane does not know must not be ignored.

local _M = {}

_M.by_name = {
    affinity = require "ingress.policy.affinity",
    body_size = require "ingress.policy.body_size",
    load_balance = require "ingress.policy.load_balance",
    request_headers = require "ingress.policy.request_headers",
    response_headers = require "ingress.policy.response_headers",
    retries = require "ingress.policy.retries",
    rewrite = require "ingress.policy.rewrite",
    timeouts = require "ingress.policy.timeouts",
    tls_redirect = require "ingress.policy.tls_redirect",
}

-- Those that act before the request is sent, in the order in which they do. The redirect comes
-- first: nothing about a request over plain HTTP matters that is about to be repeated over TLS.
_M.request_order = { "tls_redirect", "body_size", "request_headers", "rewrite" }

-- Those that change answers, in the order in which they do.
_M.response_order = { "response_headers" }

return _M
