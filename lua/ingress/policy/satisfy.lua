-- Where one of the address and a login is enough, both are decided here, in one place: a step that
-- returns lets the request go on, so each for itself could only ever mean "all".

local access = require "ingress.policy.access"
local basic_auth = require "ingress.policy.basic_auth"
local is_asked = require("ingress.pure.asked_route").is_asked
local shape = require "ingress.pure.shape"

local FORBIDDEN = 403
local MEMBERS = { any = true }

local _M = {}


function _M.validate(value)
    return shape.object(value, MEMBERS, "satisfy")
        or value.any ~= true and "satisfy.any must be true"
        or nil
end


-- function() -> whether the client of the request at hand is let in; then, if not, the status to
-- refuse it with.
local function compile_check(may_come, login)
    local check = login and basic_auth.check(login)
    return function()
        if may_come and may_come() then
            return true
        end
        local status = check and check() or not check and FORBIDDEN
        return not status, status
    end
end


-- Where a service is asked, too (`external_auth`), it has the last word on whom nothing else let
-- in.
local function before_service(is_let_in, hide)
    local external_auth = require "ingress.external_auth"
    return function()
        if not is_let_in() then
            return external_auth.forget()
        end
        external_auth.let_in()
        if hide then
            hide()
        end
    end
end


local function alone(is_let_in, hide, login)
    local refuse = basic_auth.refuser(login)
    return function()
        local ok, status = is_let_in()
        if not ok then
            return refuse(status)
        end
        if hide then
            hide()
        end
    end
end


--- Nothing where neither addresses nor a login are asked for.
function _M.compile(_, route)
    local login = route.policies.basic_auth
    local ranges = route.policies.access or require("ingress.store").setting().access
    local is_let_in = compile_check(ranges and access.test(ranges), login)
    local hide = login and basic_auth.hide
    if is_asked(route) then
        return before_service(is_let_in, hide)
    end
    return (login or ranges) and alone(is_let_in, hide, login) or nil
end


return _M
