local retry_budget = require "ingress.balance.retry_budget"


local function take_all(bucket, now)
    local taken = 0
    while bucket:take(now) do
        taken = taken + 1
    end
    return taken
end


describe("retry budget", function()
    it("is a share of the first tries", function()
        local bucket = retry_budget.new({ percent = 20, min_per_second = 0 }, 0)
        assert.equal(0, take_all(bucket, 0))
        bucket.first_tries = 100
        assert.equal(20, take_all(bucket, 0))
        assert.equal(0, take_all(bucket, 1))
    end)

    it("never gives more than the share, one request after the other", function()
        local bucket = retry_budget.new({ percent = 20, min_per_second = 0 }, 0)
        local retries = 0
        for i = 1, 1000 do
            bucket.first_tries = bucket.first_tries + 1
            if bucket:take(i / 100) then
                retries = retries + 1
            end
        end
        assert.is_true(retries > 150 and retries <= 200)
    end)

    it("has a few each second for who has little traffic", function()
        local bucket = retry_budget.new({ percent = 0, min_per_second = 2 }, 0)
        assert.equal(20, take_all(bucket, 0))
        assert.equal(2, take_all(bucket, 1))
        assert.equal(0, take_all(bucket, 1))
    end)

    it("does not save up for more than ten seconds", function()
        local bucket = retry_budget.new({ percent = 10, min_per_second = 1 }, 0)
        bucket.first_tries = 36000
        -- 10 requests a second for an hour: one retry a second, and one on top.
        assert.equal(20, take_all(bucket, 3600))
        assert.equal(20, take_all(retry_budget.new({ percent = 0, min_per_second = 2 }, 0), 5))
    end)

    it("is one for all routes to a backend, until the setting changes", function()
        local setting = { percent = 20, min_per_second = 10 }
        local bucket = retry_budget.of("backend/a/b/80", setting, 0)
        local equal = { percent = 20, min_per_second = 10 }
        local none = { percent = 0, min_per_second = 0 }
        assert.equal(bucket, retry_budget.of("backend/a/b/80", equal, 5))
        assert.equal(bucket, retry_budget.of("backend/a/b/80", nil, 5))
        assert.not_equal(bucket, retry_budget.of("backend/a/c/80", setting, 5))
        assert.not_equal(bucket, retry_budget.of("backend/a/b/80", none, 5))
    end)
end)
