-- Shared dictionaries and clocks for specs. As in NGINX, dictionaries forget by the time of day.

local _M = {}


--- What resty.core.time has, with `advance`, which lets time pass, and `set_date`, which moves the
-- time of day by some seconds.
function _M.clock()
    local seconds, date = 1000, 1.7e9
    return {
        monotonic_time = function()
            return seconds
        end,
        date = function()
            return date
        end,
        advance = function(by)
            seconds, date = seconds + by, date + by
        end,
        set_date = function(by)
            date = date + by
        end,
    }
end


local Dictionary = {}
Dictionary.__index = Dictionary


function Dictionary:get(key)
    local entry = self.entries[key]
    return entry and self.clock.date() < entry.ends and entry.value or nil
end


function Dictionary:set(key, value, seconds)
    local ends = seconds and self.clock.date() + seconds or math.huge
    self.entries[key] = { value = value, ends = ends }
    return true
end


function Dictionary:add(key, value, seconds)
    if self:get(key) ~= nil then
        return false, "exists"
    end
    return self:set(key, value, seconds)
end


function Dictionary:incr(key, by, first)
    local value = (self:get(key) or first) + by
    self:set(key, value)
    return value
end


function Dictionary:delete(key)
    self.entries[key] = nil
end


function Dictionary:get_keys()
    local keys = {}
    for key in pairs(self.entries) do
        if self:get(key) ~= nil then
            keys[#keys + 1] = key
        end
    end
    return keys
end


--- @param clock of `clock`
function _M.new(clock)
    return setmetatable({ clock = clock, entries = {} }, Dictionary)
end


return _M
