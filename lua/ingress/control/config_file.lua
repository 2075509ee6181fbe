-- The file of the configuration in the run folder, and the one before while a reload is under way.

local format = string.format
local match = string.match
local sub = string.sub
local tonumber = tonumber

-- The number of the generation is added when the file is written: who renders it does not know it.
local FIRST_LINE = "^# resty%-ingress config ([0-9a-f]+)([^\r\n]*)\r?\n()"
local GENERATION = "^ generation (%d+)$"
local FILE = "nginx.conf"
-- There while a reload is under way: to go back to, also when the master is killed (launcher).
local PREVIOUS = FILE .. ".previous"

local folder = ngx.config.prefix()

local _M = {}


local function read_any(name)
    local file = io.open(folder .. name, "rb")
    local text = file and file:read("*a")
    if file then
        file:close()
    end
    return text
end


--- The whole of a file of the run folder; an error when it cannot be read.
function _M.read(name)
    return assert(read_any(name), name .. " cannot be read")
end


local function write(path, text)
    local file = assert(io.open(path, "wb"))
    assert(file:write(text))
    assert(file:close())
end


-- NGINX reads the whole of the old file or the whole of the new one.
local function replace(name, text)
    local draft = folder .. name .. ".new"
    local ok, err = pcall(write, draft, text)
    if not ok then
        os.remove(draft)
        error(err, 0)
    end
    assert(os.rename(draft, folder .. name))
end


--- The hash in the first line, the number of the generation, where it has one, and where the second
-- line begins; nil without such a line.
function _M.header(text)
    local hash, rest, body = match(text, FIRST_LINE)
    local number = hash and match(rest, GENERATION)
    if hash and (rest == "" or number) then
        return hash, tonumber(number), body
    end
end


--- The number of the generation that the file in place was written for; nil for none.
function _M.generation()
    local _, number = _M.header(read_any(FILE) or "")
    return number
end


--- The text of the configuration of that hash, which runs. Not always the one in place, when a
-- worker was killed in the middle of a reload.
function _M.running(hash)
    local previous = read_any(PREVIOUS)
    if previous and _M.header(previous) == hash then
        return previous
    end
    return _M.read(FILE)
end


local function numbered(text, number)
    local hash, _, body = _M.header(text)
    return format("# resty-ingress config %s generation %d\n%s", hash, number, sub(text, body))
end


--- Puts a configuration in the place of the one that runs, which stays to go back to.
function _M.place(text, running_hash, number)
    replace(PREVIOUS, _M.running(running_hash))
    local ok, err = pcall(replace, FILE, numbered(text, number))
    if not ok then
        os.remove(folder .. PREVIOUS)
        error(err, 0)
    end
end


--- The new one runs.
function _M.keep()
    os.remove(folder .. PREVIOUS)
end


--- The new one was refused.
function _M.go_back()
    os.rename(folder .. PREVIOUS, folder .. FILE)
end


return _M
