std = 'ngx_lua'
max_line_length = 100
-- The time of day may be set: what lasts some seconds goes by resty.core.time.
not_globals = { 'ngx.now' }
files['lua/spec'].std = '+busted'
-- Pure modules run in any Lua and are tested without NGINX.
files['lua/ingress/pure'].std = 'lua51'
files['lua/ingress/picker'].std = 'lua51'
