-- Slow start: the weight of a new endpoint grows from a tenth to the whole within some seconds, so
-- that a process with cold caches is not run over. New is who joins a backend that was known.
--
-- Health dictionary:  roster/<backend>   digest of the record, then the endpoints, one a line, with
--                                        the time when they came if they are new, in seconds
--                                        since the boot. The first worker that sees a change
--                                        writes it: so all go by the same times, also those of the
--                                        next generation.

local concat = table.concat
local floor = math.floor
local gmatch = string.gmatch
local huge = math.huge
local ipairs = ipairs
local match = string.match
local max = math.max
local min = math.min
local pairs = pairs
local tonumber = tonumber

-- The weight grows in steps, since each makes pickers count anew.
local STEPS = 10
-- No slow start lasts longer (policy/load_balance.lua).
local LONGEST = 86400
-- A roster that nobody read or wrote for so long is of a backend that is gone.
local MEMORY = 7 * 86400

local dictionary = ngx.shared.resty_ingress_health

local _M = {}


-- {digest, times}: times: id -> when it came, 0: not new; nil when nothing is stored.
local function read_roster(key)
    local digest, lines = match(dictionary:get("roster/" .. key) or "", "^([^\n]*)\n(.*)$")
    if not digest then
        return nil
    end
    local times = {}
    for line in gmatch(lines, "[^\n]+") do
        local id, time = match(line, "^(%S+ %S+) ?(%S*)$")
        times[id] = tonumber(time) or 0
    end
    return { digest = digest, times = times }
end


local function write_roster(backend, times)
    local lines = { backend.digest }
    for _, endpoint in ipairs(backend.endpoints) do
        local time = times[endpoint.id]
        lines[#lines + 1] = time > 0 and ("%s %.3f"):format(endpoint.id, time) or endpoint.id
    end
    local text = concat(lines, "\n") .. "\n"
    local ok, err = dictionary:safe_set("roster/" .. backend.key, text, MEMORY)
    if not ok then
        ngx.log(ngx.WARN, backend.key, ": slow start is known to this worker only: ", err)
    end
end


local function times_of(previous)
    local times = {}
    for _, endpoint in ipairs(previous.endpoints) do
        times[endpoint.id] = previous.newcomers[endpoint.id] or 0
    end
    return times
end


-- Of a backend that nobody knew before, no endpoint is new.
local function renewed(backend, known, now)
    local times = {}
    for _, endpoint in ipairs(backend.endpoints) do
        local time = known and (known[endpoint.id] or now) or 0
        times[endpoint.id] = now - time < LONGEST and time or 0
    end
    return times
end


--- Finds out which endpoints of a backend are new: `backend.newcomers`, id -> when it came.
-- @param previous value before, with its newcomers; nil: not known in this worker
function _M.admit(backend, previous, now)
    local roster = read_roster(backend.key)
    local times
    if roster and roster.digest == backend.digest then
        times = roster.times
    else
        local known = roster and roster.times or previous and times_of(previous)
        times = renewed(backend, known, now)
        write_roster(backend, times)
    end
    local newcomers = {}
    for id, time in pairs(times) do
        newcomers[id] = time > 0 and time or nil
    end
    backend.newcomers = newcomers
end


-- Weight after a time, and how long until it changes; nil: it is no newcomer any more.
local function weight_after(elapsed, seconds)
    if elapsed >= seconds then
        return nil, huge
    end
    local step = max(floor(elapsed * STEPS / seconds), 0)
    return max(step, 1) / STEPS, (step + 1) * seconds / STEPS - elapsed
end


--- The pool of a backend as a picker takes it, and when it has to be asked for again.
-- @param seconds that a slow start lasts
-- @return array of {id, weight} as long as somebody is new, else the pool itself
function _M.weighted(backend, seconds, now)
    local pool, newcomers = backend.pool, backend.newcomers
    local list, wait, is_plain = {}, huge, true
    for index, endpoint in ipairs(pool) do
        local since = newcomers[endpoint.id]
        local weight, left = 1, huge
        if since then
            weight, left = weight_after(now - since, seconds)
        end
        list[index] = { id = endpoint.id, weight = weight }
        wait = min(wait, left)
        is_plain = is_plain and (weight == nil or weight == 1)
    end
    return is_plain and pool or list, now + wait
end


return _M
