-- The users of a htpasswd record, and whether somebody is one of them.

local hashing = require "ingress.password.hashing"
local known = require "ingress.password.known"
local password_hash = require "ingress.pure.password_hash"
local queue = require "ingress.password.queue"
local store = require "ingress.store"

local byte = string.byte
local ngx_var = ngx.var

local _M = {}


-- Hashes that names are checked by which nobody has, so that an answer takes as long as for others.
-- In an order that all workers have: each comes to the same hash for a name.
local function compile(record, key)
    local names, hashes = {}, {}
    for name in pairs(record.users) do
        names[#names + 1] = name
    end
    table.sort(names)
    for i, name in ipairs(names) do
        hashes[i] = record.users[name]
    end
    return { key = key, users = record.users, hashes = hashes }
end


store.register("htpasswd", compile, {})


local function hash_of_nobody(hashes, name)
    local high, low = byte(known.tag({ name }), 1, 2)
    return hashes[(high * 256 + low) % #hashes + 1]
end


-- By a thread, unless it was found right before.
local function check_slowly(check)
    if known.has(check.tag) then
        return true
    end
    local matches, status = queue.ask(check)
    if matches and check.is_user then
        known.add(check.tag)
    end
    return matches, status
end


local function is_right(check)
    if password_hash.is_cheap(password_hash.scheme(check.hash)) then
        return hashing.matches(check.password, check.hash)
    end
    check.tag = known.tag({
        check.is_user and "user" or "nobody", check.name, check.hash, check.password,
    })
    return check_slowly(check)
end


--- What `let_in` takes, for the key of a record; nil: there is none.
function _M.find(key)
    return store.lookup("htpasswd", key)
end


--- true: the password is that of the user; false: it is not, or there is no such user; nil and a
-- status: this cannot be told (now).
function _M.let_in(record, name, password)
    local hash = record.users[name]
    local matches, status = is_right({
        name = name, password = password, is_user = hash ~= nil,
        hash = hash or hash_of_nobody(record.hashes, name),
        record = record.key, client = ngx_var.binary_remote_addr,
    })
    if matches == nil then
        return nil, status
    end
    return matches and hash ~= nil
end


return _M
