-- Weighted rendezvous hashing: a key belongs to the candidate with the best score. When one gets
-- more weight, keys move to it, and none away from it (Schindelhauer, Schomaker, "Weighted
-- Distributed Hash Tables", 2005).

local hash = require "ingress.pure.hash"

local huge = math.huge
local log = math.log

local WORD = 2 ^ 32

local _M = {}


--- The candidate of a key; nil when none has any weight.
-- @param candidates array of {seed, weight}; seed: integer of 32 bits that tells them apart
-- @param key        text
function _M.choose(candidates, key)
    local best, best_score = nil, -huge
    for i = 1, #candidates do
        local candidate = candidates[i]
        -- In (0, 1), even.
        local share = (hash.hash(key, candidate.seed) + 0.5) / WORD
        local score = candidate.weight > 0 and candidate.weight / -log(share) or -huge
        if score > best_score then
            best, best_score = candidate, score
        end
    end
    return best
end


return _M
