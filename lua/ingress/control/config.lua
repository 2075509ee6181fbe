-- /v1/config: PUT: a new nginx.conf, loaded by the master, known to run before the answer; GET:
-- what runs.

local answer = require "ingress.control.answer"
local config_file = require "ingress.control.config_file"
local files = require "ingress.control.files"
local generation = require "ingress.generation"
local lock = require "ingress.control.lock"
local process = require "ingress.process"

local find = string.find
local floor = math.floor
local gmatch = string.gmatch
local match = string.match
local monotonic_time = require("resty.core.time").monotonic_time
local sub = string.sub
local tonumber = tonumber

local LOCK = "reload"
local PATIENCE = 30
local INTERVAL = 0.005
local ENOENT = 2
local MOST_MESSAGES = 1000
-- Those that nginx.conf may listen on, by their names in the run folder.
local SOCKETS = { "https.sock", "passthrough.sock", "stream.sock" }

local state = ngx.shared.resty_ingress_state
local folder = ngx.config.prefix()

local _M = {}


local function emergency_size()
    local file = io.open(folder .. "emerg.log", "rb")
    local size = file and file:seek("end") or 0
    if file then
        file:close()
    end
    return size
end


-- A port that is taken is tried again for a while: that is not the end yet.
local function is_final(message)
    return not find(message, "^bind%(%) to .* %(98: ")
        and not find(message, "^listen%(%) to .* %(98: ")
end


local function lines_of(text)
    local lines, seen = {}, {}
    for line in gmatch(text, "([^\n]*)\n") do
        local message = match(line, "%[emerg%] %d+#%d+: (.*)$") or line
        if not seen[message] and #lines < MOST_MESSAGES then
            seen[message] = true
            lines[#lines + 1] = message
        end
        if is_final(message) then
            return lines
        end
    end
end


-- What NGINX wrote to emerg.log after `size`, once it has given up: {message, line, others}; else
-- nil. `others`: of ports that are taken it names each.
local function refusal(size)
    if emergency_size() <= size then
        return nil
    end
    local messages = lines_of(sub(config_file.read("emerg.log"), size + 1))
    if not messages then
        return nil
    end
    local first = table.remove(messages, 1)
    local line = match(first, " in .*/nginx%.conf:(%d+)$")
    return { message = first, line = tonumber(line), others = messages[1] and messages }
end


-- "success", {serving = time when all new workers served}, or "refused", {message, line}, or
-- "timeout". `before`: the generation until now.
local function wait(hash, before, size)
    local deadline = monotonic_time() + PATIENCE
    local serving
    repeat
        ngx.sleep(INTERVAL)
        local newest = generation.newest()
        if newest.hash == hash and newest.complete and newest.number > before.number then
            serving = serving or monotonic_time()
            if not generation.any_accepts(before.workers) then
                return "success", { serving = serving }
            end
        end
        local refused = refusal(size)
        if refused then
            return "refused", refused
        end
        ngx.update_time()
    until monotonic_time() > deadline
    return "timeout"
end


local function signal_and_wait(hash, before, size)
    local ok, err = process.reload()
    if not ok then
        return "failed", { message = err }
    end
    return wait(hash, before, size)
end


-- Which of SOCKETS there are. Only the file is looked at: none of them can be opened.
local function sockets_there()
    local there = {}
    for _, name in ipairs(SOCKETS) do
        local _, _, code = io.open(folder .. name)
        there[name] = code ~= ENOENT
    end
    return there
end


-- NGINX leaves the sockets of a configuration behind that it gives up, and cannot make them again.
local function remove_new_sockets(there)
    for _, name in ipairs(SOCKETS) do
        if not there[name] then
            os.remove(folder .. name)
        end
    end
end


local function reload(text, hash)
    local before, size, there = generation.newest(), emergency_size(), sockets_there()
    local running = config_file.running(before.hash)
    config_file.place(text, before.hash, before.number + 1)
    local result, details = signal_and_wait(hash, before, size)
    if result == "success" then
        config_file.keep()
        files.collect(running, text)
    else
        config_file.go_back()
    end
    if result == "refused" then
        remove_new_sockets(there)
    end
    if result == "failed" then
        error(details.message)
    end
    return result, details
end


local function milliseconds_since(start, time)
    return floor((time - start) * 1000 + 0.5)
end


local function finish(result, details, start)
    state:incr("reloads/" .. result, 1, 0)
    if result == "success" then
        return answer.ok({
            generation = generation.newest().number,
            duration_ms = milliseconds_since(start, monotonic_time()),
            serving_ms = milliseconds_since(start, details.serving),
            reloaded = true,
        })
    elseif result == "refused" then
        return answer.error(422, details.message, { line = details.line, others = details.others })
    end
    return answer.error(504, "the new workers did not report in time; the old file is back")
end


local function reload_locked(text, hash)
    local newest = generation.newest()
    if newest.hash == hash and newest.complete then
        return answer.ok({
            generation = newest.number, duration_ms = 0, serving_ms = 0, reloaded = false,
        })
    end
    local start = monotonic_time()
    local result, details = reload(text, hash)
    return finish(result, details, start)
end


--- GET /v1/config: the text of the configuration that runs.
function _M.get()
    return answer.text(config_file.running(generation.newest().hash), "text/plain")
end


--- PUT /v1/config
function _M.put(text)
    local hash, numbered = config_file.header(text)
    if not hash or numbered then
        return answer.error(400, 'the first line must be "# resty-ingress config <hash>"')
    end
    -- Workers that do not know the hash could never report it.
    if not find(text, 'ingress.phase.init")("' .. hash .. '"', 1, true) then
        return answer.error(400, "init_by_lua must be called with the hash of the first line")
    end
    if not lock.acquire(LOCK) then
        return answer.error(409, "another reload is under way")
    end
    local ok, result = pcall(reload_locked, text, hash)
    lock.release(LOCK)
    if not ok then
        error(result, 0)
    end
    return result
end


return _M
