-- How the endpoint of a target is chosen, decided once: which picker, and what its hash goes by.

local setmetatable = setmetatable

local _M = {
    DEFAULT = { algorithm = "round_robin" },
}


-- Settings as a text -> what backends know pickers for them by.
local picker_ids = setmetatable({}, { __mode = "v" })


-- Targets with the same settings share a picker of a backend. The id is a table, so that a picker
-- lives as long as there is a target that uses it (backend.lua).
local function picker_id(load_balance)
    local text = ("%s %s %s"):format(load_balance.algorithm, load_balance.subset_size or "-",
        load_balance.slow_start or "-")
    local id = picker_ids[text] or { text = text }
    picker_ids[text] = id
    return id
end


--- Sets load_balance, picker_id, slow_start and key of a target.
-- @param load_balance  record (policy/load_balance.lua)
-- @param compile_key   function(template) -> function() -> the key of the request at hand
function _M.apply(target, load_balance, compile_key)
    target.load_balance = load_balance
    target.picker_id = picker_id(load_balance)
    target.slow_start = load_balance.slow_start
    target.key = load_balance.key and compile_key(load_balance.key)
end


return _M
