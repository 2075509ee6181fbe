std = 'ngx_lua'
max_line_length = 100
files['lua/spec'].std = '+busted'
-- Pure modules run in any Lua and are tested without NGINX.
files['lua/ingress/pure'].std = 'lua51'
files['lua/ingress/picker'].std = 'lua51'
