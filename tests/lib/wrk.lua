-- SPDX-License-Identifier: Apache-2.0
-- Posts reviews in turn, over and over: wrk ... -- PAUSE CHECK FILE...
-- PAUSE is the milliseconds that each connection waits between its requests,
-- on average. CHECK is "yes" where the uid of each review is what its answer
-- has to say in "allowed", then "-00000000": each request has a number there,
-- and an answer of another status, uid or verdict is an error.
local UID = '"(%a+)%-00000000"'
local TOLD_MAX = 3
local reviews = {}
local pause, count = 0, 0
wrong = 0 -- global: read by done()

local function read(name)
    local file = assert(io.open(name, "rb"))
    local text = file:read("*a")
    file:close()
    return wrk.format(nil, nil, nil, text)
end

local function look(status, headers, body)
    local verdict = body:match('"uid":"(%a+)%-%d+"')
    if status == 200 and verdict and body:match('"allowed":(%a+)') == verdict then
        return
    end
    wrong = wrong + 1
    if wrong <= TOLD_MAX then
        io.stderr:write(status, " ", body, "\n")
    end
end

function setup(thread)
    the_thread = thread
end

function init(args)
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    pause = tonumber(args[1])
    if args[2] == "yes" then
        response = look
    end
    for i = 3, #args do
        local text = read(args[i])
        local from, to = text:find(UID)
        reviews[i - 2] = args[2] == "yes" and
            {text:sub(1, to - 9), text:sub(to)} or text
    end
end

function request()
    local review = reviews[count % #reviews + 1]
    count = count + 1
    return response and
        review[1] .. string.format("%08d", count) .. review[2] or review
end

function delay()
    return pause > 0 and math.random(0, 2 * pause) or 0
end

function done(summary, latency)
    local e = summary.errors
    print(string.format("RESULT %d %d %d %d %d", summary.requests,
        summary.duration, e.connect + e.read + e.write + e.status + e.timeout +
        the_thread:get("wrong"), latency:percentile(50),
        latency:percentile(99)))
end
