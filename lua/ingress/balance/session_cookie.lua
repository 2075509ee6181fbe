-- The Set-Cookie header of an affinity, as ingress-nginx writes it.

local cookie_time = ngx.cookie_time
local find = string.find
local ngx_header = ngx.header
local ngx_time = ngx.time
local ngx_var = ngx.var
local sub = string.sub

local NAME = "Set-Cookie"
-- Clients that take no cookie with SameSite=None, by words of their User-Agent
-- (https://www.chromium.org/updates/same-site/incompatible-clients).
local OLD_CLIENTS = { "Chrome/4", "Chrome/5", "Chrome/6", "CPU iPhone OS 12", "iPad; CPU OS 12" }

local _M = {}


local function has(text, words)
    return find(text, words, 1, true) ~= nil
end


local function takes_same_site_none(user_agent)
    for _, words in ipairs(OLD_CLIENTS) do
        if has(user_agent, words) then
            return false
        end
    end
    return not (has(user_agent, "Macintosh") and has(user_agent, "Intel Mac OS X 10_14")
        and has(user_agent, "Safari") and not has(user_agent, "Chrome"))
end


local function same_site(policy)
    local value = policy.same_site
    if value == "None" and policy.conditional_same_site_none
        and not takes_same_site_none(ngx_var.http_user_agent or "") then
        return nil
    end
    return value
end


-- As the client sees it, also in front of a trusted proxy.
local function is_secure(policy)
    return policy.secure or (ngx_var.pass_access_scheme or ngx_var.scheme) == "https"
end


local function attribute(name, value)
    return value and "; " .. name .. "=" .. value or ""
end


local function line(policy, value)
    local expires = policy.expires and cookie_time(ngx_time() + policy.expires)
    return policy.name .. "=" .. value
        .. attribute("Expires", expires)
        .. attribute("Max-Age", policy.max_age)
        .. attribute("Domain", policy.domain)
        .. attribute("Path", policy.path or "/")
        .. (is_secure(policy) and "; Secure" or "")
        .. "; HttpOnly"
        .. attribute("SameSite", same_site(policy))
end


--- Gives the client a cookie. Those of others stay, one of an earlier try of this request goes.
-- @param policy `affinity` of a route (policy/affinity.lua)
function _M.set(policy, value)
    local before = ngx_header[NAME]
    if type(before) ~= "table" then
        before = { before }
    end
    local prefix, lines = policy.name .. "=", {}
    for _, other in ipairs(before) do
        if sub(other, 1, #prefix) ~= prefix then
            lines[#lines + 1] = other
        end
    end
    lines[#lines + 1] = line(policy, value)
    ngx_header[NAME] = lines
end


return _M
