-- The calls about records: validation and encoding; writing is in journal.lua.

local answer = require "ingress.control.answer"
local journal = require "ingress.control.journal"
local json = require "ingress.control.json"
local pacing = require "ingress.pacing"
local record_key = require "ingress.pure.record_key"
local shape = require "ingress.pure.shape"
local store = require "ingress.store"
local validation = require "ingress.control.validation"

local REDACTED = "[redacted]"
-- Members of records that are never shown.
local SECRETS = { "key", "users" }
local PATCH = { base = true, set = true, delete = true }
local PUT = { set = true }
-- How many records are looked at before others have their turn.
local AT_ONCE = 200

local records = ngx.shared.resty_ingress_records

local _M = {}


-- {key: stored text} of the valid records, {key: reason} of the others.
local function examine(set)
    local stored, rejected, count = {}, {}, 0
    for key, value in pairs(set) do
        local reason = validation.refusal(key, value)
        if reason then
            rejected[key] = reason
        else
            stored[key] = validation.stored(value)
        end
        count = count + 1
        if count % AT_ONCE == 0 then
            pacing.rest()
        end
    end
    return stored, rejected
end


-- Adds what is valid of `set` to the push.
local function send(set, push)
    local rejected
    push.set, rejected = examine(set)
    local revision, failure = journal.push(push)
    if revision then
        return answer.ok({ revision = revision, rejected = rejected })
    elseif failure.conflict then
        return answer.error(409, "the revision is another one, or another push is under way",
            { revision = journal.revision() })
    end
    return answer.error(507, "the dictionary of the records is full: nothing was applied", failure)
end


local function check_keys(list)
    for _, key in ipairs(list) do
        if not record_key.kind(key) then
            return "delete names something that is no key"
        end
    end
end


local function check_patch(body)
    return shape.object(body, PATCH, "the body")
        or not shape.is_integer(body.base, 0) and "base must be a revision"
        or not shape.is_object(body.set or {}) and "set must be an object"
        or not shape.is_array(body.delete or {}) and "delete must be a list"
        or check_keys(body.delete or {})
        or nil
end


--- PATCH /v1/records
function _M.patch(text)
    local body, err = json.decode(text)
    local reason = err or check_patch(body)
    if reason then
        return answer.error(400, reason)
    end
    return send(body.set or {}, { base = body.base, delete = body.delete or {} })
end


--- PUT /v1/records. Everything that is not in the new set goes away, but a refused record keeps its
-- old value.
function _M.put(text)
    local body, err = json.decode(text)
    local reason = err or shape.object(body, PUT, "the body")
        or not shape.is_object(body.set) and "set must be an object"
    if reason then
        return answer.error(400, reason)
    end
    return send(body.set, { keep = body.set })
end


--- GET /v1/records
function _M.list()
    local revision = journal.revision()
    local digests = {}
    for _, key in ipairs(journal.keys()) do
        local stored = records:get(key)
        if stored then
            digests[key] = validation.digest(stored)
        end
    end
    return answer.ok({ revision = revision, digests = digests })
end


--- GET /v1/records/KEY; nothing secret is in the answer.
function _M.get(key)
    local value = record_key.kind(key) and store.read(key)
    if not value then
        return answer.error(404, "there is no record under this key")
    end
    for _, name in ipairs(SECRETS) do
        if value[name] then
            value[name] = REDACTED
        end
    end
    return answer.ok(value)
end


return _M
