-- Random: each request by weight alone, whatever went before.

local sampler = require "ingress.picker.support.sampler"

local setmetatable = setmetatable

local _M = {}
_M.__index = _M


function _M.new(endpoints, _, deps)
    return setmetatable({
        random = deps.random,
        sampler = sampler.new(endpoints, deps.random),
    }, _M)
end


function _M:pick(_, excluded)
    local drawn = self.sampler
    if #drawn.endpoints == 0 then
        return nil, "no endpoint"
    end
    return drawn:pick(excluded)
end


function _M:update(endpoints)
    self.sampler = sampler.new(endpoints, self.random)
end


return _M
