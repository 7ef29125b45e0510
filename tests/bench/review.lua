-- SPDX-License-Identifier: Apache-2.0
-- Posts a recorded review over and over: wrk ... -- FILE [RATE CONNECTIONS]
-- With a rate, each connection waits between its requests, so that all of them
-- together send about RATE a second.
local pause = 0

function init(args)
    local file = assert(io.open(args[1], "rb"))
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.body = file:read("*a")
    file:close()
    request_text = wrk.format()
    if args[2] then
        pause = math.floor(2000 * args[3] / args[2])
    end
end

function request()
    return request_text
end

function delay()
    return pause > 0 and math.random(0, pause) or 0
end

function done(summary, latency)
    local e = summary.errors
    print(string.format("RESULT %d %d %d %d %d", summary.requests,
        summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
        latency:percentile(50), latency:percentile(99)))
end
