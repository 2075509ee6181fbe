-- The policies that a route may carry. A name that is not here is refused with its record: a
-- protection that this data plane does not know must not be ignored.

local _M = {}

_M.by_name = {
    access = require "ingress.policy.access",
    access_log = require "ingress.policy.access_log",
    affinity = require "ingress.policy.affinity",
    app_root = require "ingress.policy.app_root",
    backend_connection = require "ingress.policy.backend_connection",
    backend_urls = require "ingress.policy.backend_urls",
    basic_auth = require "ingress.policy.basic_auth",
    backend_tls = require "ingress.policy.backend_tls",
    blocks = require "ingress.policy.blocks",
    body_size = require "ingress.policy.body_size",
    client_certificate = require "ingress.policy.client_certificate",
    cors = require "ingress.policy.cors",
    custom_errors = require "ingress.policy.custom_errors",
    direct_response = require "ingress.policy.direct_response",
    external_auth = require "ingress.policy.external_auth",
    header_spellings = require "ingress.policy.header_spellings",
    limits = require "ingress.policy.limits",
    load_balance = require "ingress.policy.load_balance",
    mirror = require "ingress.policy.mirror",
    redirect = require "ingress.policy.redirect",
    request_headers = require "ingress.policy.request_headers",
    response_headers = require "ingress.policy.response_headers",
    retries = require "ingress.policy.retries",
    rewrite = require "ingress.policy.rewrite",
    satisfy = require "ingress.policy.satisfy",
    timeouts = require "ingress.policy.timeouts",
    tls_redirect = require "ingress.policy.tls_redirect",
}

-- Those that act before the request is sent, in the order in which they do, which is that of
-- ingress-nginx. Whom the administrator blocks gets nothing at all, nor who has not the certificate
-- that the host demands in its handshakes. Redirects come next: nothing else matters of a request
-- that is about to be repeated elsewhere. An answer without a backend is for those who may come, as
-- one of a backend is. What the backend sees comes last: others go by what the client asked for;
-- but first of all, each header has one spelling.
-- External authentication is asked when all of this has been done, in a phase of its own.
_M.request_order = {
    "header_spellings", "blocks", "access_log", "client_certificate", "app_root", "cors",
    "redirect", "tls_redirect", "limits", "access", "basic_auth", "satisfy", "direct_response",
    "body_size", "request_headers", "rewrite", "backend_connection", "backend_tls", "mirror",
    "external_auth",
}

-- Those that change answers, in the order in which they do.
_M.response_order = { "backend_urls", "external_auth", "response_headers", "cors" }

return _M
