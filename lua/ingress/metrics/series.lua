-- The series that there are: which labels have which block of numbers (cells.lua). Few requests
-- come here, since each worker remembers what it found.
--
-- Dictionary, each key after the name of the layout:
--     id/<labels>    the block of a series; labels are a JSON array
--     labels/<id>    the reverse, for the scrape
--     next           how many blocks were ever handed out
--     free           list of those that were given back
--     count/<labels> how many series there are with all of these labels but method and status

local layouts = require "ingress.metrics.layout"
local cjson = require "cjson"

local floor = math.floor
local min = math.min

-- What requests count in for which there is no room: a series for each class of statuses, whose
-- block is that of its first digit.
local OTHER = "_other"
local CLASSES = 6
local EPOCH = layouts.EPOCH
-- Of a route, or of a host beside its routes: clients choose methods, and backends statuses. Nobody
-- should leave no room for others by that.
local MOST_OF_ROUTE = 128

local dictionary = ngx.shared.resty_ingress_metrics

local _M = {
    LABELS = { "host", "namespace", "ingress", "service", "canary", "path", "method", "status" },
    OTHER = OTHER,
}
_M.__index = _M


local function other_labels(class)
    return cjson.encode({ OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, class .. "xx" })
end


--- @param name  of the layout
function _M.new(name, cells)
    local self = setmetatable({
        cells = cells,
        id_key = name .. "/id/",
        labels_key = name .. "/labels/",
        next_key = name .. "/next",
        free_key = name .. "/free",
        count_key = name .. "/count/",
    }, _M)
    for class = 0, CLASSES - 1 do
        dictionary:safe_add(self.labels_key .. class, other_labels(class))
    end
    dictionary:safe_add(self.next_key, CLASSES)
    return self
end


local function unused_id(self)
    local id = dictionary:rpop(self.free_key)
    if id then
        return id
    end
    if dictionary:get(self.next_key) >= self.cells.capacity then
        return nil
    end
    id = dictionary:incr(self.next_key, 1) - 1
    return id < self.cells.capacity and id or nil
end


local function give_back(self, id)
    dictionary:lpush(self.free_key, id)
end


--- What labels have in common that differ in method and status only.
function _M.subject(labels)
    return cjson.encode({ unpack(labels, 1, #_M.LABELS - 2) })
end


local function leave(self, subject)
    local key = self.count_key .. subject
    if (dictionary:incr(key, -1) or 0) <= 0 then
        dictionary:delete(key)
    end
end


-- Whether a subject may have one more; `leave` takes it back.
local function enter(self, subject)
    local key = self.count_key .. subject
    dictionary:safe_add(key, 0)
    local count = dictionary:incr(key, 1)
    if count and count > MOST_OF_ROUTE then
        leave(self, subject)
        return false
    end
    return count ~= nil
end


-- nil when there is no room for one more.
local function add_labels(self, labels)
    local id = unused_id(self)
    if not id then
        return nil
    end
    local added, err = dictionary:safe_add(self.labels_key .. id, labels), nil
    if added then
        added, err = dictionary:safe_add(self.id_key .. labels, id)
    end
    if added then
        return id
    end
    dictionary:delete(self.labels_key .. id)
    give_back(self, id)
    return nil, err
end


local function add(self, labels, text)
    local subject = _M.subject(labels)
    if not enter(self, subject) then
        return nil
    end
    local id, err = add_labels(self, text)
    if not id then
        leave(self, subject)
    end
    return id or err == "exists" and dictionary:get(self.id_key .. text) or nil
end


--- The block to count in: {at, epoch} of this stripe, `epoch` to be compared under its lock.
-- @param labels of the series, in the order of LABELS
-- @param status of the requests
function _M:block(labels, status, stripe)
    local cells, text = self.cells, cjson.encode(labels)
    local class = min(floor(status / 100), CLASSES - 1)
    local id, at, epoch
    repeat
        id = dictionary:get(self.id_key .. text) or add(self, labels, text)
        at = cells:at(id or class, stripe)
        epoch = cells.numbers[at + EPOCH]
        -- Else it was given back since it was found.
    until not id or dictionary:get(self.labels_key .. id) == text
    return { at = at, epoch = epoch }
end


--- Ends a series: its numbers are gone, and its block is free.
function _M:remove(id, labels)
    local key = self.id_key .. labels
    if dictionary:get(key) == id then
        dictionary:delete(key)
        leave(self, _M.subject(cjson.decode(labels)))
    end
    dictionary:delete(self.labels_key .. id)
    self.cells:renew(id)
    give_back(self, id)
end


--- Whoever counts in `_other` looks for a series of its own again.
function _M:reopen()
    for class = 0, CLASSES - 1 do
        self.cells:renew(class, true)
    end
end


--- Iterates over id and labels (JSON text) of all series.
function _M:each()
    local id, last = -1, min(dictionary:get(self.next_key), self.cells.capacity) - 1
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


--- How full it is: {series, capacity}.
function _M:usage()
    local made = min(dictionary:get(self.next_key), self.cells.capacity)
    return {
        series = made - (dictionary:llen(self.free_key) or 0),
        capacity = self.cells.capacity,
    }
end


return _M
