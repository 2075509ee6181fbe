-- init_by_lua: in the master, at each load of the configuration.

local config_file = require "ingress.control.config_file"
local destination = require "ingress.destination"
local dispatch = require "ingress.dispatch"
local generation = require "ingress.generation"
local log = require "ingress.phase.log"
local metrics = require "ingress.metrics"
local process = require "ingress.process"
local restore = require "ingress.control.restore"
require "ingress.control.snapshot"
require "ingress.limit"
require "ingress.password.users"
require "ingress.phase.control"

-- What the configuration calls, loaded here, once, so that workers share the memory and need no
-- file. A global, since `require` in the code of a phase costs a hundredth of a request.
rawset(_G, "resty_ingress", {
    balancer = require "ingress.phase.balancer",
    body_filter = require "ingress.phase.body_filter",
    certificate = require "ingress.phase.certificate",
    custom_errors = require "ingress.phase.custom_errors",
    external_auth_access = require "ingress.phase.external_auth_access",
    external_auth_answer = require "ingress.phase.external_auth_answer",
    external_auth_ask = require "ingress.phase.external_auth_ask",
    header_filter = require "ingress.phase.header_filter",
    init_worker = require "ingress.phase.init_worker",
    log = log.request,
    log_page = log.page,
    log_request = require "ingress.phase.log_request",
    mirror = require "ingress.phase.mirror",
    rewrite = require "ingress.phase.rewrite",
    rewrite_main = require "ingress.phase.rewrite_main",
    rewrite_class = require "ingress.phase.rewrite_class",
    rewrite_watched = require "ingress.phase.rewrite_watched",
})

local DEFAULT_VARIABLES = { "proxy_upstream_name", "new_id" }


--- @param hash       of the configuration, as in its first line
-- @param classes    names of its location classes
-- @param variables  the variables that it uses, to be set for each request (dispatch.lua)
-- @param counting   what requests are counted by (metrics.lua); nil: they are not
return function(hash, classes, variables, counting)
    destination.configure(os.getenv)
    metrics.configure(counting)
    dispatch.configure(variables or DEFAULT_VARIABLES)
    if generation.declare(hash, classes) then
        generation.continue(config_file.generation())
        -- The launcher, which forwards signals.
        process.die_with_parent()
        restore.run()
    end
end
