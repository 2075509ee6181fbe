-- The routes of one host, compiled for lookup. The order of the record is the order of precedence:
-- the result is always the first route of the record that matches.
--
-- A path is cut at each `/` from its end, so a lookup costs as much as the path is deep, however
-- many routes there are; only regexes are tried one by one.

local byte = string.byte
local match = string.match
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
    return first and first.pathType == "Prefix" and cut_slash(first.path) == ""
end


-- Most hosts have the like: one table does for all.
local NONE = {}
local EVERYTHING = setmetatable({ always = 1 }, _M)


--- `always`, when set, is the position of the route whatever the path: it need not be asked for.
-- @param routes  array of `{path, pathType}` in order of precedence
-- @param matches function(path, pattern) -> true | false | nil, err: tries one regex
function _M.new(routes, matches)
    local exact, prefixes, regexes, longest = {}, {}, {}, 0
    for position = 1, #routes do
        local path, kind = routes[position].path, routes[position].pathType
        if kind == "Exact" then
            add_first(exact, path, position)
        elseif kind == "Prefix" then
            path = cut_slash(path)
            add_first(prefixes, path, position)
            longest = #path > longest and #path or longest
        else
            regexes[#regexes + 1] = { position = position, pattern = path }
        end
    end
    if takes_everything(routes) then
        return EVERYTHING
    end
    return setmetatable({
        exact = next(exact) and exact or NONE,
        prefixes = settle_precedence(prefixes, longest),
        longest = longest,
        regexes = #regexes > 0 and regexes or nil,
        matches = #regexes > 0 and matches or nil,
    }, _M)
end


-- The first regex that matches, if it comes before `bound`.
local function first_regex(self, path, bound)
    local regexes, matches = self.regexes, self.matches
    for i = 1, #regexes do
        local regex = regexes[i]
        if regex.position > bound then
            break
        end
        local matched, err = matches(path, regex.pattern)
        if err then
            return nil, err
        end
        if matched then
            return regex.position
        end
    end
    return bound
end


--- The position of the first route that matches; nil when there is none; nil, err when a regex
-- failed at run time.
function _M:find(path)
    if self.always then
        return self.always
    end
    local position = self.exact[path]
    local prefix = nearest(self.prefixes, self.longest, path)
    if prefix and (not position or prefix < position) then
        position = prefix
    end
    if not self.regexes then
        return position
    end
    local first, err = first_regex(self, path, position or math.huge)
    if first == math.huge then
        return nil
    end
    return first, err
end


return _M
