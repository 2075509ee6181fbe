-- Which clients may come, by their address: those of `allow`, or all where it is absent, and never
-- those of `deny`.

local address_range = require "ingress.pure.address_range"
local address_set = require "ingress.pure.address_set"
local shape = require "ingress.pure.shape"

local concat = table.concat
local format = string.format

local FORBIDDEN = 403
local MOST_RANGES = 1000
local MEMBERS = { allow = true, deny = true }

local _M = {}

-- Text of all its ranges -> set: routes of one object have equal lists.
local sets = setmetatable({}, { __mode = "v" })


--- Why this is no list of ranges, or nil. An absent one is.
function _M.check_ranges(ranges, where)
    if ranges == nil then
        return nil
    end
    if not shape.is_array(ranges) or #ranges == 0 or #ranges > MOST_RANGES then
        return format("%s must be a list of 1 to %d ranges", where, MOST_RANGES)
    end
    for _, range in ipairs(ranges) do
        if not address_range.parse(range) then
            return format("%s: %s is no range of addresses", where, shape.quoted(range))
        end
    end
end


--- The set of a list of ranges; nil: there is no list.
function _M.set_of(ranges)
    if not ranges then
        return nil
    end
    local key = concat(ranges, " ")
    local set = sets[key]
    if not set then
        set = address_set.new(ranges)
        sets[key] = set
    end
    return set
end


function _M.validate(value)
    return shape.object(value, MEMBERS, "access")
        or _M.check_ranges(value.allow, "access.allow")
        or _M.check_ranges(value.deny, "access.deny")
        or not value.allow and not value.deny and "access must have allow or deny"
        or nil
end


function _M.default(_, setting)
    return setting.access
end


function _M.compile(value)
    local allowed, denied = _M.set_of(value.allow), _M.set_of(value.deny)
    return function()
        local client = ngx.var.binary_remote_addr
        if denied and denied:holds(client) or allowed and not allowed:holds(client) then
            return ngx.exit(FORBIDDEN)
        end
    end
end


return _M
