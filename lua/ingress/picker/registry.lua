-- The balancing algorithms that a route may ask for. The interface is that of round_robin.lua.

local _M = {}

_M.by_name = {
    ewma = require "ingress.picker.ewma",
    least_request = require "ingress.picker.least_request",
    maglev = require "ingress.picker.maglev",
    random = require "ingress.picker.random",
    ring_hash = require "ingress.picker.ring_hash",
    round_robin = require "ingress.picker.round_robin",
    subset = require "ingress.picker.subset",
}

-- Those that mean nothing without a key.
_M.hashes = { maglev = true, ring_hash = true, subset = true }

-- Those that have to see the end of each request (`done`).
_M.watches = { ewma = true, least_request = true, maglev = true, ring_hash = true }

return _M
