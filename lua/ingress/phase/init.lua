-- init_by_lua: in the master, at each load of the configuration.

local destination = require "ingress.destination"
local dispatch = require "ingress.dispatch"
local generation = require "ingress.generation"
require "ingress.certificate"
require "ingress.control.api"


--- @param hash       of the configuration, as in its first line
-- @param classes    names of its location classes
-- @param variables  the variables that it uses, to be set for each request (dispatch.lua)
return function(hash, classes, variables)
    destination.configure(os.getenv)
    dispatch.configure(variables or {})
    generation.declare(hash, classes)
end
