-- Texts of answers in which the URLs of a backend become those that clients know, by the rules of
-- proxy_cookie_domain, proxy_cookie_path and proxy_redirect of NGINX for plain text. Nothing in
-- `from` and `to` has a meaning.

local find = string.find
local lower = string.lower
local sub = string.sub

local _M = {}


--- The text with its begin replaced; nil when it begins otherwise.
function _M.prefix(text, pair)
    if sub(text, 1, #pair.from) == pair.from then
        return pair.to .. sub(text, #pair.from + 1)
    end
end


--- The domain instead of the one that it is; nil when it is another. A dot at its begin stays.
function _M.domain(text, pair)
    local dot = sub(text, 1, 1) == "." and "." or ""
    return lower(sub(text, #dot + 1)) == pair.from and dot .. pair.to or nil
end


--- The value of a header Refresh; nil when its URL begins otherwise.
function _M.refresh(text, pair)
    local _, stop = find(lower(text), "url=", 1, true)
    local url = stop and _M.prefix(sub(text, stop + 1), pair)
    return url and sub(text, 1, stop) .. url
end


-- Where an attribute of this name has its value: first and last byte, or nil.
local function attribute_at(cookie, name)
    local start = find(cookie, ";", 1, true)
    while start do
        local stop = find(cookie, ";", start + 1, true) or #cookie + 1
        local _, equals, found = find(cookie, "^ *([%w-]+) *= *", start + 1)
        if found and equals < stop and lower(found) == name then
            local last = stop - 1
            while last > equals and sub(cookie, last, last) == " " do
                last = last - 1
            end
            return equals + 1, last
        end
        start = stop <= #cookie and stop or nil
    end
end


--- A Set-Cookie in which the value of an attribute is changed by `change(text, pair)`.
-- @param name  in lower case
function _M.cookie(cookie, name, change, pair)
    local first, last = attribute_at(cookie, name)
    local value = first and change(sub(cookie, first, last), pair)
    return value and sub(cookie, 1, first - 1) .. value .. sub(cookie, last + 1) or cookie
end


return _M
