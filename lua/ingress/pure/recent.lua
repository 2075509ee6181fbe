-- Which keys of many were used lately: a bounded number, so that what belongs to the others can be
-- let go. CLOCK: the hand passes over keys that were used since it came by last.

local setmetatable = setmetatable

local _M = {}
_M.__index = _M


--- @param most how many keys are kept
-- @param drop function(key): called with each that is kept no longer
function _M.new(most, drop)
    return setmetatable({ most = most, drop = drop, keys = {}, used = {}, hand = 1 }, _M)
end


-- A place in `keys`, and the key that has to leave it, if any.
local function next_place(self)
    while true do
        local place = self.hand
        local key = self.keys[place]
        self.hand = place % self.most + 1
        if not key or not self.used[key] then
            return place, key
        end
        self.used[key] = false
    end
end


--- A key is used.
function _M:use(key)
    if self.used[key] == nil then
        local place, victim = next_place(self)
        self.keys[place] = key
        if victim then
            self.used[victim] = nil
            self.drop(victim)
        end
    end
    self.used[key] = true
end


return _M
