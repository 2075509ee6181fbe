-- Headers of a request and of its answer, as the question of external authentication changes them.

local concat = table.concat
local ipairs = ipairs
local ngx = ngx
local pairs = pairs
local type = type

local _M = {}


-- Of a header that is there more than once, as one text.
local function joined(value)
    return type(value) == "table" and concat(value, "\n") or value
end


--- The headers of the current request are again what they were before the question.
-- @param before  all of them, as `ngx.req.get_headers` gives them
function _M.restore(before)
    local now = ngx.req.get_headers(0)
    for name in pairs(now) do
        if before[name] == nil then
            ngx.req.clear_header(name)
        end
    end
    for name, value in pairs(before) do
        if joined(now[name]) ~= joined(value) then
            ngx.req.set_header(name, value)
        end
    end
end


--- Cookies of the service, beside those that the answer has.
-- @param cookies  text, or a list of texts
function _M.add_cookies(cookies)
    local all = {}
    for _, values in ipairs({ ngx.header["Set-Cookie"] or {}, cookies }) do
        for _, cookie in ipairs(type(values) == "table" and values or { values }) do
            all[#all + 1] = cookie
        end
    end
    ngx.header["Set-Cookie"] = all
end


return _M
