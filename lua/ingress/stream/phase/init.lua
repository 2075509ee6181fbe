-- init_by_lua of the `stream` block: in the master, at each load of the configuration, after that
-- of the `http` block, whose dictionaries are there then.

local http_dictionary = require "ingress.stream.http_dictionary"

-- Under the names by which the modules that both blocks use know them; so they come first.
ngx.shared.resty_ingress_records = http_dictionary.open("resty_ingress_records")
ngx.shared.resty_ingress_state = http_dictionary.open("resty_ingress_state")
ngx.shared.resty_ingress_health = ngx.shared.resty_ingress_stream

-- Before others take them.
local checks = require "ingress.stream.checks"
local ejection = require "ingress.health.ejection"
ejection.read, ejection.version = checks.read, checks.version

local destination = require "ingress.destination"
local process = require "ingress.process"
local session = require "ingress.stream.session"
local status = require "ingress.stream.status"
local store = require "ingress.store"
local targets = require "ingress.stream.target"


local function init_worker()
    process.set_mode(ngx.config.prefix() .. "stream.sock", "660")
    math.randomseed(tonumber(process.random_id():sub(1, 8), 16))
    store.refresh()
end


rawset(_G, "resty_ingress_stream", {
    balancer = session.balancer,
    choose_tls = session.choose_tls,
    init_worker = init_worker,
    log = session.log,
    passthrough = session.passthrough,
    preread = session.preread,
    status = status,
})


--- @param tries            how many endpoints are tried at most; 0: each
-- @param connect_timeout  seconds
return function(tries, connect_timeout)
    destination.configure(os.getenv)
    session.configure(connect_timeout)
    targets.configure(tries)
end
