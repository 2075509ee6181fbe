-- Validation of templates of text: an array of {text}, {var} (a variable of NGINX) and {capture} (a
-- group of the route's regular expression).

local shape = require "ingress.pure.shape"

local find = string.find
local format = string.format

local MOST_PARTS = 16
local LONGEST_TEXT = 4096
local LONGEST_NAME = 64
local MOST_CAPTURES = 9

-- Variables that cannot fail and tell nothing secret.
local VARIABLES = {}
for name in ([[
    args binary_remote_addr content_type document_uri escaped_request_uri host is_args msec
    pass_access_scheme proxy_add_x_forwarded_for query_string remote_addr remote_port remote_user
    req_id
    request_id request_length request_method request_time request_uri scheme server_addr
    server_name server_port server_protocol ssl_cipher ssl_protocol ssl_server_name
    ssl_session_id status time_iso8601 upstream_addr upstream_response_time upstream_status uri
]]):gmatch("%S+") do
    VARIABLES[name] = true
end
-- Those that end in the name of an argument, a cookie or a header.
local NAMED = { arg = true, cookie = true, http = true }

local _M = {}


local function is_known(name)
    if VARIABLES[name] then
        return true
    end
    local _, stop, prefix = find(name, "^(%l+)_[%l%d_]+$")
    return stop ~= nil and NAMED[prefix] == true and #name <= #prefix + 1 + LONGEST_NAME
end


local MEMBERS = { text = true, var = true, capture = true }


-- Text without control characters but tabs and line breaks.
local function is_lines(value, max)
    return type(value) == "string" and #value <= max
        and not find(value, "[%z\1-\8\11\12\14-\31\127]")
end


local FORMS = {
    text = function(value, where, is_text)
        return not is_text(value, LONGEST_TEXT)
            and format("%s.text must be text of at most %d bytes", where, LONGEST_TEXT) or nil
    end,
    var = function(value, where)
        return (type(value) ~= "string" or not is_known(value))
            and format("%s.var: there is no variable %s", where, shape.quoted(value)) or nil
    end,
    capture = function(value, where)
        return not shape.is_integer(value, 0, MOST_CAPTURES)
            and format("%s.capture must be a number up to %d", where, MOST_CAPTURES) or nil
    end,
}


local function check_part(part, where, is_text)
    local reason = shape.object(part, MEMBERS, where)
    if reason then
        return reason
    end
    local form, value = next(part)
    if form == nil or next(part, form) ~= nil then
        return where .. " must have one of text, var and capture"
    end
    return FORMS[form](value, where, is_text)
end


--- Why a value is no template, or nil.
-- @param lines  whether its text may have line breaks: not where it becomes a header
function _M.refusal(value, where, lines)
    if not shape.is_array(value) or #value == 0 or #value > MOST_PARTS then
        return format("%s must be a list of 1 to %d parts", where, MOST_PARTS)
    end
    for i, part in ipairs(value) do
        local reason = check_part(part, format("%s[%d]", where, i - 1),
            lines and is_lines or shape.is_text)
        if reason then
            return reason
        end
    end
end


return _M
