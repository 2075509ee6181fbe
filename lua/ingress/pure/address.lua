-- IP addresses as bytes, and what they are for. A destination is judged by its bytes, so no other
-- spelling of an address slips past (RFC 6890; RFC 4291 for the text of IPv6).

local byte = string.byte
local concat = table.concat
local find = string.find
local floor = math.floor
local format = string.format
local gmatch = string.gmatch
local match = string.match
local sub = string.sub
local tonumber = tonumber

-- "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"
local LONGEST = 45

-- Where clouds hand out the credentials of a machine; 169.254.169.254 is link-local already.
local METADATA = {
    ["100.100.100.200"] = true,
    ["168.63.129.16"] = true,
    ["192.0.0.192"] = true,
    ["253.0.14.194.0.0.0.0.0.0.0.0.0.0.2.84"] = true,   -- fd00:ec2::254
    ["253.32.0.206.0.0.0.0.0.0.0.0.0.0.2.84"] = true,   -- fd20:ce::254
}

local _M = {}


local function parse_ipv4(text)
    local bytes = {}
    for part in gmatch(text .. ".", "([^.]*)%.") do
        local value = find(part, "^%d%d?%d?$") and tonumber(part)
        -- A leading zero is octal to some parsers and decimal to others (RFC 6943).
        if not value or value > 255 or (#part > 1 and byte(part) == byte("0")) then
            return nil
        end
        bytes[#bytes + 1] = value
    end
    return #bytes == 4 and bytes or nil
end


local function append_group(bytes, group)
    if not find(group, "^%x%x?%x?%x?$") then
        return false
    end
    local value = tonumber(group, 16)
    bytes[#bytes + 1] = floor(value / 256)
    bytes[#bytes + 1] = value % 256
    return true
end


-- The groups on one side of `::`.
local function parse_groups(text)
    local bytes = {}
    if text == "" then
        return bytes
    end
    for group in gmatch(text .. ":", "([^:]*):") do
        if not append_group(bytes, group) then
            return nil
        end
    end
    return bytes
end


-- "::ffff:192.0.2.1" -> "::ffff:c000:201"
local function without_dots(text)
    local head, dotted = match(text, "^(.*:)([^:]*%.[^:]*)$")
    if not head then
        return text
    end
    local bytes = parse_ipv4(dotted)
    return bytes and head .. format("%x:%x", bytes[1] * 256 + bytes[2], bytes[3] * 256 + bytes[4])
end


local function parse_ipv6(text)
    text = without_dots(text)
    local gap = text and find(text, "::", 1, true)
    if not gap then
        local bytes = text and parse_groups(text)
        return bytes and #bytes == 16 and bytes or nil
    end
    local head = parse_groups(sub(text, 1, gap - 1))
    local tail = parse_groups(sub(text, gap + 2))
    if not head or not tail or #head + #tail > 14 then
        return nil
    end
    for _ = 1, 16 - #head - #tail do
        head[#head + 1] = 0
    end
    for i = 1, #tail do
        head[#head + 1] = tail[i]
    end
    return head
end


local function all_zero(bytes, first, last)
    for i = first, last do
        if bytes[i] ~= 0 then
            return false
        end
    end
    return true
end


local function is_ipv4_inside(bytes)
    return all_zero(bytes, 1, 10) and bytes[11] == 255 and bytes[12] == 255
end


local function classify_ipv4(first, second)
    if first == 127 then
        return "loopback"
    elseif first == 0 then
        return "unspecified"
    elseif first == 169 and second == 254 then
        return "link-local"
    end
    return first >= 224 and "multicast" or "ordinary"
end


--- 4 or 16 bytes, or nil when the text is not exactly one numeric address. IPv4-mapped IPv6 is
-- the IPv4 address inside it.
function _M.parse(text)
    if #text > LONGEST then
        return nil
    end
    if not find(text, ":", 1, true) then
        return parse_ipv4(text)
    end
    local bytes = parse_ipv6(text)
    if bytes and is_ipv4_inside(bytes) then
        return { bytes[13], bytes[14], bytes[15], bytes[16] }
    end
    return bytes
end


-- Where in it the IPv4 address begins that packets end up at: by itself, by NAT64 (RFC 6052) or by
-- 6to4 (RFC 3056).
local function ipv4_at(bytes)
    if #bytes == 4 then
        return 1
    elseif bytes[1] == 0x20 and bytes[2] == 0x02 then
        return 3
    end
    local is_nat64 = bytes[1] == 0 and bytes[2] == 0x64 and bytes[3] == 0xff and bytes[4] == 0x9b
    return is_nat64 and all_zero(bytes, 5, 12) and 13 or nil
end


local function classify_ipv6(bytes)
    local first, second = bytes[1], bytes[2]
    if all_zero(bytes, 1, 15) then
        return bytes[16] == 1 and "loopback" or "unspecified"
    end
    if first == 0xfe and second >= 0x80 and second < 0xc0 then
        return "link-local"
    end
    return first == 0xff and "multicast" or "ordinary"
end


--- "ordinary", or why an address is no destination: "loopback", "unspecified", "link-local",
-- "metadata", "multicast" (broadcast and reserved included). One with an IPv4 address inside is
-- judged by that.
function _M.classify(bytes)
    local at = ipv4_at(bytes)
    if METADATA[concat(bytes, ".", at or 1, at and at + 3 or #bytes)] then
        return "metadata"
    end
    return at and classify_ipv4(bytes[at], bytes[at + 1]) or classify_ipv6(bytes)
end


--- Equal addresses give equal text, whatever their spelling.
function _M.canonical(bytes)
    return concat(bytes, ".")
end


return _M
