-- Requests in flight of this worker, by endpoint id. An endpoint that is gone keeps its count until
-- its requests have ended, so that it has the right one should it come back meanwhile.

local setmetatable = setmetatable

local _M = {}
_M.__index = _M


--- {counts, total}: `counts` has no zeros.
function _M.new()
    return setmetatable({ counts = {}, total = 0 }, _M)
end


function _M:begin(id)
    local counts = self.counts
    counts[id] = (counts[id] or 0) + 1
    self.total = self.total + 1
end


--- An end without a beginning is ignored: a count is never negative.
function _M:finish(id)
    local counts = self.counts
    local count = counts[id]
    if count then
        counts[id] = count > 1 and count - 1 or nil
        self.total = self.total - 1
    end
end


return _M
