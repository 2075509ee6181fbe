-- What the specs of pickers share.

local _M = {}


--- As math.random, but the same numbers at each run.
function _M.generator(seed)
    local state = seed
    local function fraction()
        state = (state * 16807) % 2147483647
        return state / 2147483647
    end
    return function(from, to)
        if not from then
            return fraction()
        elseif not to then
            from, to = 1, from
        end
        return from + math.floor(fraction() * (to - from + 1))
    end
end


--- {random, now, phase} and `advance`, which lets time pass.
function _M.deps(seed)
    local random = _M.generator(seed or 1)
    local time = 1000
    return {
        random = random,
        phase = random,
        now = function()
            return time
        end,
        advance = function(seconds)
            time = time + seconds
        end,
    }
end


--- Endpoints with the numbers from one to the other.
-- @param weights number -> weight
function _M.endpoints(from, to, weights)
    local list = {}
    for i = from, to do
        list[#list + 1] = { id = "198.18.0." .. i .. " 80", weight = weights and weights[i] }
    end
    return list
end


--- Picks with a key, and ends the request at once.
-- @return id
function _M.pick(picker, list, key, excluded)
    local id = list[picker:pick(key, excluded)].id
    if picker.done then
        picker:done(id, 0.01, false)
    end
    return id
end


--- How often each id is picked: id -> count, 0 for those of the list.
function _M.counts(picker, list, picks)
    local counts = {}
    for _, endpoint in ipairs(list) do
        counts[endpoint.id] = 0
    end
    for i = 1, picks do
        local id = _M.pick(picker, list, "key " .. i)
        counts[id] = counts[id] + 1
    end
    return counts
end


--- Endpoint ids of some keys: key -> id.
function _M.assignment(picker, list, keys)
    local assigned = {}
    for i = 1, keys do
        -- A number is a hash already: a cheap one.
        assigned[i] = _M.pick(picker, list, (i * 2654435769) % 2 ^ 32)
    end
    return assigned
end


return _M
