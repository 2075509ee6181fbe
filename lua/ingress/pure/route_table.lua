-- The routes of one host, compiled for lookup. The order of the record is the order of precedence:
-- the result is always the first route of the record that matches.
--
-- A path is cut at each `/` from its end, so a lookup costs as much as the path is deep, however
-- many routes there are; only regexes, and routes of the same path that ask for more than it, are
-- tried one by one.

local route_match = require "ingress.pure.route_match"

local byte = string.byte
local holds = route_match.holds
local huge = math.huge
local match = string.match
local max = math.max
local next = next
local sub = string.sub
local setmetatable = setmetatable

local SLASH = byte("/")

local _M = {}
_M.__index = _M


local function cut_slash(path)
    return byte(path, -1) == SLASH and sub(path, 1, -2) or path
end


-- The nearest prefix of `path` (itself included) that has an entry; `longest` is the length of the
-- longest key, so that a hostile path of thousands of segments costs no more than that.
local function nearest(prefixes, longest, path)
    local length = #path
    if length <= longest then
        local position = prefixes[path]
        if position then
            return position
        end
    else
        length = longest + 1
    end
    for i = length, 1, -1 do
        if byte(path, i) == SLASH then
            local position = prefixes[sub(path, 1, i - 1)]
            if position then
                return position
            end
        end
    end
end


local function add_first(map, key, position)
    if not map[key] then
        map[key] = position
    end
end


-- A shorter prefix that comes earlier in the record hides the longer one. From short to long, so
-- that the nearest shorter one already stands for all above it: a hostile path costs its length.
local function settle_precedence(prefixes, longest)
    local paths = {}
    for path in pairs(prefixes) do
        paths[#paths + 1] = path
    end
    table.sort(paths, function(a, b)
        return #a < #b
    end)
    local settled = {}
    for _, path in ipairs(paths) do
        local parent = path ~= "" and nearest(settled, longest, match(path, "^(.*)/"))
        local own = prefixes[path]
        settled[path] = parent and parent < own and parent or own
    end
    return settled
end


-- The commonest host: one route that takes every path.
local function takes_everything(routes)
    local first = routes[1]
    return first and first.pathType == "Prefix" and cut_slash(first.path) == "" and not first.match
end


-- Most hosts have the like: one table does for all.
local NONE = {}
local EVERYTHING = setmetatable({ always = 1 }, _M)


local function new_lists()
    return { exact = {}, prefixes = {}, longest = 0 }
end


-- @param add  function(map, path, item)
local function add_by_path(lists, route, item, add)
    if route.pathType == "Exact" then
        return add(lists.exact, route.path, item)
    end
    local path = cut_slash(route.path)
    add(lists.prefixes, path, item)
    lists.longest = max(lists.longest, #path)
end


-- In order of precedence.
local function add_to_list(map, path, try)
    local list = map[path] or {}
    list[#list + 1] = try
    map[path] = list
end


-- What is tried: {position, checks, pattern}, the last of a regex.
local function new_try(route, position)
    return {
        position = position,
        checks = route.match and route_match.compile(route.match),
        pattern = route.pathType == "Regex" and route.path or nil,
    }
end


local function sorted_out(routes)
    local plain, conditional, regexes = new_lists(), new_lists(), {}
    for position = 1, #routes do
        local route = routes[position]
        conditional.asks = conditional.asks or route.match ~= nil
        if route.pathType == "Regex" then
            regexes[#regexes + 1] = new_try(route, position)
        elseif route.match then
            conditional.any = true
            add_by_path(conditional, route, new_try(route, position), add_to_list)
        else
            -- Without conditions only the first of a path can ever be taken.
            add_by_path(plain, route, position, add_first)
        end
    end
    return plain, conditional, regexes
end


--- `always`, when set, is the position of the route whatever the request: it need not be asked for.
-- @param routes  array of `{path, pathType, match}` in order of precedence
-- @param deps    `begin()`, if there: a lookup that may try regexes begins;
-- `matches(path, pattern)` -> true | nil, err: tries one regex; `new_facts()` ->
-- what route_match.holds asks
function _M.new(routes, deps)
    if takes_everything(routes) then
        return EVERYTHING
    end
    local plain, conditional, regexes = sorted_out(routes)
    local has_tries = conditional.any or regexes[1] ~= nil
    return setmetatable({
        exact = next(plain.exact) and plain.exact or NONE,
        prefixes = settle_precedence(plain.prefixes, plain.longest),
        longest = plain.longest,
        regexes = regexes[1] and regexes or nil,
        conditional = conditional.any and conditional or nil,
        asks = conditional.asks or nil,
        deps = has_tries and deps or nil,
    }, _M)
end


-- The first of a list that is taken, if it comes before `bound`; err when it cannot be told.
local function first_of(list, bound, facts)
    for i = 1, #list do
        local try = list[i]
        if try.position > bound then
            break
        end
        local taken, err = holds(try.checks, facts)
        if taken or err then
            return try.position, err
        end
    end
    return bound
end


local function first_conditional(conditional, path, bound, facts)
    local position, err = bound, nil
    local function try(list)
        if list and list[1].position < position then
            local first, first_err = first_of(list, position, facts)
            if first < position then
                position, err = first, first_err
            end
        end
    end
    try(conditional.exact[path])
    local length, prefixes = #path, conditional.prefixes
    if length <= conditional.longest then
        try(prefixes[path])
    else
        length = conditional.longest + 1
    end
    for i = length, 1, -1 do
        if byte(path, i) == SLASH then
            try(prefixes[sub(path, 1, i - 1)])
        end
    end
    return position, err
end


-- The first regex that matches, if it comes before `bound`.
local function first_regex(self, path, bound, facts)
    local regexes, matches = self.regexes, self.deps.matches
    for i = 1, #regexes do
        local regex = regexes[i]
        if regex.position > bound then
            break
        end
        local taken, err = matches(path, regex.pattern)
        if taken and regex.checks then
            taken, err = holds(regex.checks, facts)
        end
        if taken or err then
            return regex.position, err
        end
    end
    return bound
end


-- What is tried one by one, before the bound that the others set.
local function first_tried(self, path, bound)
    local deps = self.deps
    if deps.begin then
        deps.begin()
    end
    local facts = self.asks and deps.new_facts()
    local position, err = bound, nil
    if self.conditional then
        position, err = first_conditional(self.conditional, path, bound, facts)
    end
    if self.regexes then
        local first, first_err = first_regex(self, path, position, facts)
        if first < position then
            position, err = first, first_err
        end
    end
    if err or position == huge then
        return nil, err
    end
    return position
end


--- The position of the first route that takes the request; nil when there is none; nil, err when a
-- regex failed at run time.
function _M:find(path)
    if self.always then
        return self.always
    end
    local position = self.exact[path]
    local prefix = nearest(self.prefixes, self.longest, path)
    if prefix and (not position or prefix < position) then
        position = prefix
    end
    if not self.deps then
        return position
    end
    return first_tried(self, path, position or huge)
end


return _M
