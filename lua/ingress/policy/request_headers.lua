-- Headers of a request on its way to the backend.

local header_change = require "ingress.pure.header_change"

local concat = table.concat

local _M = {}


function _M.validate(value)
    return header_change.refusal(value, "request_headers", "request")
end


-- Names as the client wrote them, so that those that differ in case go, too.
local function remove_all(prefix)
    for name in pairs(ngx.req.get_headers(0, true)) do
        if name:lower():sub(1, #prefix) == prefix and name:lower() ~= "host"
            and not header_change.is_framing(name) then
            ngx.req.clear_header(name)
        end
    end
end


local function remover(name)
    local prefix = header_change.prefix_of(name)
    if prefix then
        return function()
            remove_all(prefix)
        end
    end
    return function()
        ngx.req.clear_header(name)
    end
end


local function setter(name, text_of)
    return function()
        local text = text_of()
        if text == "" then
            ngx.req.clear_header(name)
        else
            ngx.req.set_header(name, text)
        end
    end
end


local function adder(name, texts)
    return function()
        local values = header_change.extended(ngx.req.get_headers(0)[name], texts)
        if values then
            ngx.req.set_header(name, values)
        end
    end
end


local function step_of(group, route, templates)
    local change = group[1]
    if change.remove then
        return remover(change.remove)
    end
    local texts = {}
    for i, each in ipairs(group) do
        texts[i] = templates.compile_header(each.value, route)
    end
    return change.set and setter(change.set, texts[1]) or adder(change.add, texts)
end


-- Headers that settings say are sent from variables, whatever the request has under their names: so
-- it gets them from there before the steps, and they have what it has after them.
local function taking(value)
    local before, after = {}, {}
    for _, change in ipairs(value) do
        local name = change.take
        local variable = name and header_change.variable("send_", name)
        if name then
            before[#before + 1] = function()
                ngx.req.set_header(name, ngx.var[variable] or "")
            end
            after[#after + 1] = function()
                local values = ngx.req.get_headers(0)[name] or ""
                if ngx.var[variable] then
                    ngx.var[variable] = type(values) == "table" and concat(values, ", ") or values
                end
            end
        end
    end
    return before, after
end


--- @param templates ingress.template
function _M.compile(value, route, templates)
    local steps, after = taking(value)
    for _, group in ipairs(header_change.grouped(value)) do
        steps[#steps + 1] = not group[1].take and step_of(group, route, templates) or nil
    end
    for _, step in ipairs(after) do
        steps[#steps + 1] = step
    end
    return header_change.in_turn(steps)
end


return _M
