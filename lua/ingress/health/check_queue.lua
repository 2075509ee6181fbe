-- Which check is next, once there is room: namespaces take turns, and each has a share of what runs
-- at a time and of what begins in a second. So nobody's endpoints, be they many, slow or quick to
-- refuse, keep those of others from being checked, or the worker from its requests.

local ipairs = ipairs
local setmetatable = setmetatable

-- Below the 256 timers that NGINX lets run at a time.
local MOST = 64
local MOST_OF_NAMESPACE = 8
local MOST_A_SECOND = 512
local MOST_A_SECOND_OF_NAMESPACE = 64

local _M = {}
_M.__index = _M


--- A line is {name, first, last, running, left, [first..last] = item}, there while it has any.
-- `left`: how many may begin in this second.
function _M.new()
    return setmetatable({
        lines = {}, by_name = {}, turn = 0, running = 0, left = MOST_A_SECOND,
    }, _M)
end


--- A second has begun.
function _M:refill()
    self.left = MOST_A_SECOND
    for _, line in ipairs(self.lines) do
        line.left = MOST_A_SECOND_OF_NAMESPACE
    end
end


--- An item waits for its turn.
function _M:push(namespace, item)
    local line = self.by_name[namespace]
    if not line then
        line = {
            name = namespace, first = 1, last = 0, running = 0, left = MOST_A_SECOND_OF_NAMESPACE,
        }
        self.by_name[namespace] = line
        self.lines[#self.lines + 1] = line
    end
    line.last = line.last + 1
    line[line.last] = item
end


local function take_first(line)
    local item = line[line.first]
    line[line.first] = nil
    line.first = line.first + 1
    line.running, line.left = line.running + 1, line.left - 1
    return item
end


local function may_begin(line)
    return line.first <= line.last and line.left > 0 and line.running < MOST_OF_NAMESPACE
end


--- The next item, and its line, for `finish`; nil when nothing can run now.
function _M:take()
    local lines = self.lines
    for _ = 1, self.running < MOST and self.left > 0 and #lines or 0 do
        self.turn = self.turn % #lines + 1
        local line = lines[self.turn]
        if may_begin(line) then
            self.running, self.left = self.running + 1, self.left - 1
            return take_first(line), line
        end
    end
end


--- What was taken from a line has ended.
function _M:finish(line)
    self.running = self.running - 1
    line.running = line.running - 1
    if line.running > 0 or line.first <= line.last then
        return
    end
    self.by_name[line.name] = nil
    for position, other in ipairs(self.lines) do
        if other == line then
            table.remove(self.lines, position)
            return
        end
    end
end


return _M
