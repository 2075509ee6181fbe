-- Validation of records of users and the hashes of their passwords. No reason holds text of them.

local password_hash = require "ingress.pure.password_hash"
local shape = require "ingress.pure.shape"

local pairs = pairs
local type = type

local LONGEST_NAME = 255
local MOST_USERS = 20000
local MEMBERS = { digest = true, users = true }

local _M = {}


local function is_user(name, hash)
    return shape.is_text(name, LONGEST_NAME) and name ~= "" and not name:find(":", 1, true)
        and type(hash) == "string" and password_hash.scheme(hash) ~= nil
end


local function check_users(users)
    if not shape.is_object(users) then
        return "users must be an object"
    end
    local count = 0
    for name, hash in pairs(users) do
        if not is_user(name, hash) then
            return "users has a name or a hash that cannot be understood"
        end
        count = count + 1
    end
    return (count == 0 or count > MOST_USERS) and "users must have 1 to 20000 members" or nil
end


--- The reason why the record is refused, or nil.
function _M.refusal(record)
    if not shape.is_object(record) then
        return "the record must be an object"
    end
    for name in pairs(record) do
        if not MEMBERS[name] then
            return "the record has an unknown member"
        end
    end
    return check_users(record.users)
end


return _M
