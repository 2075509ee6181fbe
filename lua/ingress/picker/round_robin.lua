-- Round robin: each endpoint in turn.
--
-- The picker interface, which every algorithm has:
--   new(endpoints, options, deps) -> picker   endpoints: array of {id}; deps.random(m, n)
--   picker:pick(request, tried) -> index | nil, err   tried: set of ids, or nil at the first try
--   picker:update(endpoints)                  keeps what it knows of the endpoints that stay

local setmetatable = setmetatable

local _M = {}
_M.__index = _M


-- Workers that all began with the first endpoint would send it a wave after each change.
local function start(count, random)
    return count > 0 and random(1, count) or 0
end


function _M.new(endpoints, _, deps)
    local random = deps.random
    return setmetatable({
        endpoints = endpoints,
        random = random,
        last = start(#endpoints, random),
    }, _M)
end


--- The next endpoint; one that was tried before only when no other is left.
function _M:pick(_, tried)
    local endpoints = self.endpoints
    local count = #endpoints
    if count == 0 then
        return nil, "no endpoint"
    end
    local index = self.last % count + 1
    if tried then
        for _ = 2, count do
            if not tried[endpoints[index].id] then
                break
            end
            index = index % count + 1
        end
    end
    self.last = index
    return index
end


-- Where the turn goes on: after the endpoint that was last, or the nearest before it that stays.
local function surviving(before, last, endpoints)
    local positions = {}
    for index = 1, #endpoints do
        positions[endpoints[index].id] = index
    end
    for index = last, 1, -1 do
        local position = positions[before[index].id]
        if position then
            return position
        end
    end
    return 0
end


function _M:update(endpoints)
    if self.last == 0 then
        self.last = start(#endpoints, self.random)
    else
        self.last = surviving(self.endpoints, self.last, endpoints)
    end
    self.endpoints = endpoints
end


return _M
