-- init_worker_by_lua: in each worker, at its start.

local connections = require "ingress.limit.connections"
local generation = require "ingress.generation"
local metrics = require "ingress.metrics"
local prober = require "ingress.health.prober"
local process = require "ingress.process"
local request_id = require "ingress.request_id"
local store = require "ingress.store"


return function()
    process.die_with_master()
    -- NGINX makes unix sockets writable for everybody.
    process.set_mode(ngx.config.prefix() .. "control.sock", "660")
    request_id.seed()
    math.randomseed(tonumber(process.random_id():sub(1, 8), 16))
    store.on_revision = generation.report_revision
    metrics.enter()
    connections.start()
    generation.enter()
    store.refresh()
    prober.start()
end
