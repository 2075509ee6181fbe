-- The control API: calls, bodies, and errors as JSON (docs/control-api.md).

local answer = require "ingress.control.answer"
local config = require "ingress.control.config"
local files = require "ingress.control.files"
local health = require "ingress.control.health"
local metrics = require "ingress.control.metrics"
local processes = require "ingress.control.processes"
local records = require "ingress.control.records"
local requests = require "ingress.control.requests"
local status = require "ingress.control.status"

local match = string.match

-- prefix of a path -> method -> call(rest of the path, body)
local FAMILIES = {
    ["/v1/records/"] = { GET = records.get },
    ["/v1/files/"] = { PUT = files.put },
}

-- path -> method -> call(body)
local CALLS = {
    ["/v1/status"] = { GET = status.get },
    ["/v1/health"] = { GET = health.get },
    ["/v1/metrics"] = { GET = metrics.get },
    ["/v1/processes"] = { GET = processes.get },
    ["/v1/requests"] = { GET = requests.get },
    ["/v1/config"] = { GET = config.get, PUT = config.put },
    ["/v1/records"] = { GET = records.list, PATCH = records.patch, PUT = records.put },
}
local BODY = { PATCH = true, PUT = true }

local _M = {}


local function read_body()
    ngx.req.read_body()
    local text = ngx.req.get_body_data()
    if text then
        return text
    end
    local name = ngx.req.get_body_file()
    if not name then
        return ""
    end
    local file = assert(io.open(name, "rb"))
    text = assert(file:read("*a"))
    file:close()
    return text
end


-- The methods of a path, and what of it is an argument.
local function find(path)
    if CALLS[path] then
        return CALLS[path]
    end
    local prefix, rest = match(path, "^(/v1/%l+/)(.*)$")
    return FAMILIES[prefix], rest
end


local function call(method, path)
    local methods, rest = find(path)
    if not methods then
        return answer.error(404, "there is no such path")
    end
    if not methods[method] then
        return answer.error(405, "this path does not take this method")
    end
    local body = BODY[method] and read_body() or nil
    if rest then
        return methods[method](rest, body)
    end
    return methods[method](body)
end


--- Answers the current request.
function _M.handle()
    local ok, result = pcall(call, ngx.req.get_method(), ngx.var.uri)
    if not ok then
        ngx.log(ngx.ERR, "control API: ", result)
        result = answer.error(500, "internal error")
    end
    ngx.status = result.status
    ngx.header["Content-Type"] = result.type
    if result.stream then
        return result.stream(ngx.print)
    end
    ngx.header["Content-Length"] = #result.body
    ngx.print(result.body)
end


return _M
