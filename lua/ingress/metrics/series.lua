-- The series that there are: which labels have which block of numbers (cells.lua). Few requests
-- come here, since each worker remembers what it found.
--
-- Dictionary, each key after the name of the layout:
--     id/<labels>    the block of a series; labels are a JSON array
--     labels/<id>    the reverse, for the scrape
--     next           how many blocks were ever handed out
--     free           list of those that were given back

local layouts = require "ingress.metrics.layout"
local cjson = require "cjson"

local min = math.min

-- The series of all that have none of their own.
local OTHER = "_other"
local OTHER_ID = 0
-- Part of the blocks that is kept for `_other` by status.
local RESERVE = 64
local EPOCH = layouts.EPOCH

local dictionary = ngx.shared.resty_ingress_metrics

local _M = {
    LABELS = { "host", "namespace", "ingress", "service", "canary", "path", "method", "status" },
    OTHER = OTHER,
}
_M.__index = _M


local function other_labels(status)
    return cjson.encode({ OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, status })
end


--- @param name  of the layout
function _M.new(name, cells)
    local self = setmetatable({
        cells = cells,
        id_key = name .. "/id/",
        labels_key = name .. "/labels/",
        next_key = name .. "/next",
        free_key = name .. "/free",
    }, _M)
    dictionary:safe_add(self.id_key .. other_labels(OTHER), OTHER_ID)
    dictionary:safe_add(self.labels_key .. OTHER_ID, other_labels(OTHER))
    dictionary:safe_add(self.next_key, OTHER_ID + 1)
    return self
end


local function unused_id(self, capacity)
    local id = dictionary:rpop(self.free_key)
    if id then
        return id
    end
    if (dictionary:get(self.next_key) or capacity) >= capacity then
        return nil
    end
    id = dictionary:incr(self.next_key, 1) - 1
    return id < capacity and id or nil
end


local function give_back(self, id)
    dictionary:lpush(self.free_key, id)
end


-- nil when there is no room for one more.
local function add(self, labels, capacity)
    local id = unused_id(self, capacity)
    if not id then
        return nil
    end
    local ok = dictionary:safe_add(self.labels_key .. id, labels)
    local added, err = nil, nil
    if ok then
        added, err = dictionary:safe_add(self.id_key .. labels, id)
    end
    if added then
        return id
    end
    dictionary:delete(self.labels_key .. id)
    give_back(self, id)
    return err == "exists" and dictionary:get(self.id_key .. labels) or nil
end


-- The block of these labels, or that of `_other`, and the labels that it stands for.
local function choose(self, labels, other)
    local id = dictionary:get(self.id_key .. labels)
        or add(self, labels, self.cells.capacity - RESERVE)
    if id then
        return id, labels
    end
    return dictionary:get(self.id_key .. other) or add(self, other, self.cells.capacity), other
end


--- The block to count in: {at, epoch} of this stripe, `epoch` to be compared under its lock.
-- @param labels of the series, in the order of LABELS
function _M:block(labels, stripe)
    local cells = self.cells
    local text, other = cjson.encode(labels), other_labels(labels[#labels])
    local id, chosen, at, epoch
    repeat
        id, chosen = choose(self, text, other)
        at = cells:at(id or OTHER_ID, stripe)
        epoch = cells.numbers[at + EPOCH]
        -- Else it was given back since it was found.
    until not id or dictionary:get(self.labels_key .. id) == chosen
    return { at = at, epoch = epoch }
end


--- Ends a series: its numbers are gone, and its block is free.
function _M:remove(id, labels)
    local key = self.id_key .. labels
    if dictionary:get(key) == id then
        dictionary:delete(key)
    end
    dictionary:delete(self.labels_key .. id)
    self.cells:renew(id)
    give_back(self, id)
end


--- Whoever counts in `_other` looks for a series of its own again.
function _M:reopen()
    for id, labels in self:each() do
        if labels:find('^%["' .. OTHER) then
            self.cells:renew(id, true)
        end
    end
end


--- Iterates over id and labels (JSON text) of all series.
function _M:each()
    local id, last = -1, min(dictionary:get(self.next_key) or 0, self.cells.capacity) - 1
    return function()
        while id < last do
            id = id + 1
            local labels = dictionary:get(self.labels_key .. id)
            if labels then
                return id, labels
            end
        end
    end
end


--- How full it is: {series, capacity, dictionary_capacity, dictionary_free}, the last two in bytes.
function _M:usage()
    local made = dictionary:get(self.next_key) or 0
    return {
        series = made - (dictionary:llen(self.free_key) or 0),
        capacity = self.cells.capacity,
        dictionary_capacity = dictionary:capacity(),
        dictionary_free = dictionary:free_space(),
    }
end


return _M
