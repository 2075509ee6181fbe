-- Name and password in a header `Authorization: Basic …` (RFC 7617).

local find = string.find
local match = string.match

-- What `htpasswd` takes. Schemes that read the password again in each round cost the more, the
-- longer it is.
local LONGEST = 255

local _M = {}


local function is_sound(text)
    return #text <= LONGEST and not find(text, "[%z\1-\31\127]")
end


--- nil: there are none that anybody could have.
-- @param header the value of Authorization, or nil
-- @param decode function(base64) -> text | nil
function _M.parse(header, decode)
    local encoded = header and match(header, "^[Bb][Aa][Ss][Ii][Cc] +([A-Za-z0-9+/]*=?=?) *$")
    local text = encoded and decode(encoded)
    local user, password = match(text or "", "^([^:]+):(.*)$")
    if user and is_sound(user) and is_sound(password) then
        return user, password
    end
end


--- The challenge for clients without, as `WWW-Authenticate` has it.
function _M.challenge(realm)
    return 'Basic realm="' .. realm:gsub('[\\"]', "\\%0") .. '"'
end


return _M
