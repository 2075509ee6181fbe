-- How many tries after the first a backend may cost, in one worker: a share of its first tries and
-- a few a second on top, so that an outage is not multiplied by the retries that it causes.
--
-- A bucket of tokens: a first try puts in a part of one, a retry takes one out. What was put in
-- fades within WINDOW seconds, so that a long time without failures does not pay for a storm.

local setmetatable = setmetatable

local WINDOW = 10
local DEFAULT = { percent = 20, min_per_second = 10 }

local _M = {}
_M.__index = _M


-- Backend -> its bucket, as long as a route uses it.
local by_backend = setmetatable({}, { __mode = "v" })


--- @param setting {percent, min_per_second}, nil: 20 % and 10
function _M.new(setting, now)
    setting = setting or DEFAULT
    return setmetatable({
        share = setting.percent / 100,
        per_second = setting.min_per_second,
        tokens = setting.min_per_second * WINDOW,
        since = now,
        -- Since then; counted by the balancer.
        first_tries = 0,
    }, _M)
end


--- The bucket of a backend; all routes that lead to it share one.
-- @param key of the record of the backend
function _M.of(key, setting, now)
    local bucket = by_backend[key]
    setting = setting or DEFAULT
    if not bucket or bucket.share ~= setting.percent / 100
        or bucket.per_second ~= setting.min_per_second then
        bucket = _M.new(setting, now)
        by_backend[key] = bucket
    end
    return bucket
end


local function settle(bucket, now)
    local elapsed = now - bucket.since
    local earned = bucket.first_tries * bucket.share + elapsed * bucket.per_second
    if elapsed > WINDOW then
        bucket.tokens = earned * WINDOW / elapsed
    else
        bucket.tokens = bucket.tokens * (1 - elapsed / WINDOW) + earned
    end
    bucket.since, bucket.first_tries = now, 0
end


--- Takes a token for a retry; false when there is none.
-- @param now seconds of a monotonic clock
function _M:take(now)
    settle(self, now)
    if self.tokens < 1 then
        return false
    end
    self.tokens = self.tokens - 1
    return true
end


return _M
