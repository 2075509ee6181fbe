-- Ring hash: requests with the same key go to the same endpoint, as long as there is room; when an
-- endpoint goes, only its own keys move.

local bounded_hash = require "ingress.picker.support.bounded_hash"
local ring = require "ingress.picker.support.ring"

local _M = {}


function _M.new(endpoints, _, deps)
    return bounded_hash.new(endpoints, ring, deps)
end


return _M
