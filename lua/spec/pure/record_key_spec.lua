local record_key = require "ingress.pure.record_key"


describe("record_key", function()
    it("knows the keys of each kind", function()
        local right = {
            ["host/default/a.example"] = "host",
            ["host/default/*.example"] = "host",
            ["host/default/_"] = "host",
            ["backend/prod/web/80"] = "backend",
            ["backend/prod/web/http"] = "backend",
            ["backend/prod/web/http@service"] = "backend",
            ["backend/prod/dns/53@udp"] = "backend",
            ["backend/prod/auth.example/443@name"] = "backend",
            ["backend/prod/2001:db8:0:0:0:0:0:5/443@name"] = "backend",
            ["certificate/default"] = "certificate",
            ["certificate/prod/shop-tls"] = "certificate",
            ["setting/global"] = "setting",
            ["stream/tcp/9000"] = "stream",
            ["stream/udp/65535"] = "stream",
            ["passthrough/a.example"] = "passthrough",
            ["passthrough/*.a.example"] = "passthrough",
        }
        for key, kind in pairs(right) do
            assert.equal(kind, record_key.kind(key), key)
        end
    end)

    it("refuses everything else", function()
        local wrong = {
            "", "/", "host", "host/", "host/default", "host/default/", "host/default/a/b",
            "host//a",
            "host/default/A", "host/default/a\0", "host/a b/c", "backend/a/b", "backend/a/b/c/d",
            "backend/a/b/", "backend/a/b/HTTP", "backend/a/b/80@", "backend/a/b/80@x",
            "backend/a/2001:db8::5/80", "backend/a/b:c/80@name",
            "backend/a/b@service/80", "backend/a/b/@service", "backend/a/b/80@service@udp",
            "backend/a/b/" .. ("1"):rep(16), "certificate/",
            "certificate/a", "certificate/a/b/c", "certificate/../x", "setting/x", "secret/a/b",
            "lock/push", "stream/tcp", "stream/tcp/0", "stream/tcp/01", "stream/tcp/65536",
            "stream/sctp/1", "stream/tcp/x", "stream/tcp/1/2", "stream/tcp/" .. ("9"):rep(400),
            "passthrough/_", "passthrough/", "passthrough/A", "passthrough/a/b",
            "host/default/" .. ("a"):rep(600), " host/default/a", 1, false,
        }
        for _, key in ipairs(wrong) do
            assert.is_nil(record_key.kind(key), tostring(key))
        end
        assert.is_nil(record_key.kind(nil))
        assert.is_nil(record_key.kind({}))
    end)
end)
