-- Claims tasks. Returns after how many microseconds to look again (-1 for never), and the tasks.
local worker, lease, most = arg(), number(), number()
local queues, types = {}, {}
for i = 1, number() do
    queues[i] = arg()
end
for _ = 1, number() do
    types[arg()] = true
end

-- Whoever asks for many tasks need not have room for their arguments.
local MOST_BYTES = 4000000
-- How many tasks of a lane are read at a time.
local PAGE = 64
local MOST_EXPIRED = 500

T.awaken(500)
local paused, hasRates = {}, call('EXISTS', P .. 'rates') == 1
for _, scope in ipairs(call('SMEMBERS', P .. 'paused')) do
    paused[scope] = true
end
local rates = {}
local function rate(kind)
    if hasRates and rates[kind] == nil then
        rates[kind] = T.rate(kind) or false
    end
    return rates[kind] or nil
end

local claims, bytes, expired = {}, 0, 0
local again = -1
local function lookAgain(after)
    if again < 0 or after < again then
        again = after
    end
end

-- What is READY of one type, in order, a page at a time.
local function page(lane)
    T.store(lane.name)
    local room = math.min(PAGE, most - #claims + 1)
    lane.tasks = call('ZRANGE', lane.name, 0, room - 1, 'WITHSCORES')
    lane.at = 1
    lane.isWhole = #lane.tasks < 2 * room
end

local function head(lane)
    if lane.at > #lane.tasks and not lane.isWhole then
        page(lane)
    end
    return tonumber(lane.tasks[lane.at + 1] or nil)
end

local function run(entry, message, payload)
    T.leave(entry)
    T.set(entry, 'a', entry.a + 1)
    T.set(entry, 'g', now)
    T.set(entry, 'w', worker)
    T.put(LEASES, entry.id, now + lease)
    T.move(entry, RUNNING)
    if entry.uu == 'B' then
        T.freeUnique(entry)
    end
    if entry.k then
        T.turn(T.key(entry), now)
    end
    T.event('BEGUN', entry, '')
    local dead = {false, false, false}
    if entry.di then
        dead = {entry.di, T.read(entry, 'dr') or '', T.read(entry, 'de') or ''}
    end
    local inputs = {}
    if entry['in'] then
        local stored = call('HGETALL', P .. 'i:' .. entry['in'])
        for i = 1, #stored, 2 do
            local index = string.match(stored[i], '^r(%d+)$')
            if index then
                inputs[tonumber(index) + 1] = stored[i + 1]
            end
        end
    end
    claims[#claims + 1] = {entry.id, entry.a, entry.f, entry.c, T.number(entry, 'e') or 0, message, payload,
        entry.fl and T.read(entry, 'cp') or false, dead[1], dead[2], dead[3], inputs, entry.y, entry.q}
end

-- Claims what is there of a queue.
local function serve(queue)
    local lanes = {}
    local function open(kind)
        if types[kind] and not paused['T' .. kind] then
            local limit = rate(kind)
            if not limit or T.untilRate(limit) == 0 then
                local lane = {name = T.lane(queue, kind), kind = kind, rate = limit}
                page(lane)
                lanes[kind] = lane
            end
        end
    end
    for _, kind in ipairs(call('SMEMBERS', P .. 'l:' .. queue)) do
        open(kind)
    end
    while #claims < most do
        local lane, first
        for _, each in pairs(lanes) do
            local score = head(each)
            if score and (not first or score < first) then
                lane, first = each, score
            end
        end
        if not lane then
            return
        end
        local id = lane.tasks[lane.at]
        local entry = T.get(id, 'claim')
        local before = #readied
        if entry and entry.isDamaged then
            call('ZREM', lane.name, id)
            emptied[lane.name] = {q = queue, y = lane.kind}
            T.bury(entry, READY, queue, lane.kind)
        elseif not entry or entry.s ~= READY or entry.q ~= queue or entry.y ~= lane.kind then
            call('ZREM', lane.name, id)
            emptied[lane.name] = {q = queue, y = lane.kind}
        elseif entry.x and entry.x <= now then
            if expired == MOST_EXPIRED then
                lookAgain(1000)
                return
            end
            expired = expired + 1
            T.finish(entry, EXPIRED, nil)
        else
            local message, payload = T.read(entry, 'm') or '', T.read(entry, 'b') or ''
            if #claims > 0 and bytes + #message + #payload > MOST_BYTES then
                most = #claims
                lookAgain(1000)
                return
            end
            bytes = bytes + #message + #payload
            run(entry, message, payload)
            if lane.rate then
                T.begun(lane.kind, lane.rate)
                if T.untilRate(lane.rate) > 0 then
                    lanes[lane.kind] = nil
                end
            end
        end
        lane.at = lane.at + 2
        for i = before + 1, #readied do -- the next one of a key, or a callback
            local other = readied[i]
            if other.q == queue then
                if lanes[other.y] then
                    page(lanes[other.y])
                else
                    open(other.y)
                end
            end
        end
    end
end

local isServed = {}
for _, queue in ipairs(queues) do
    if not isServed[queue] and not paused['Q' .. queue] then
        isServed[queue] = true
        serve(queue)
        if hasRates then
            for kind in pairs(types) do
                local limit = not paused['T' .. kind] and rate(kind)
                T.store(T.lane(queue, kind))
                if limit and T.untilRate(limit) > 0 and call('EXISTS', T.lane(queue, kind)) == 1 then
                    lookAgain(T.untilRate(limit))
                end
            end
        end
    end
end
local due = call('ZRANGE', P .. 'scheduled', 0, 0, 'WITHSCORES')[2]
if due then
    lookAgain(math.max(1000, math.ceil(tonumber(due) * 1000 - micros)))
end
T.flush()
return {again, claims}
