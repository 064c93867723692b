-- Does a bounded part of what is to do. Returns how much of each kind, and whether there is more.
local unknownAfter, deadTtl, workerTtl = number(), number(), number()
local MOST = 250
local ABSENT, KNOWN_TTL = 3600000, 86400000
T.awaken(500)
local more = hasMoreDue

-- The tasks of an index whose time has come. What is not there any more leaves the index.
local function over(index, time, isRight)
    local found = {}
    T.store(P .. index)
    local all = call('ZRANGEBYSCORE', P .. index, '-inf', time, 'LIMIT', 0, MOST)
    for _, id in ipairs(all) do
        local entry = T.get(id)
        if entry and (entry.isDamaged or isRight(entry.s)) then
            found[#found + 1] = entry
        else
            call('ZREM', P .. index, id)
        end
    end
    more = more or #all == MOST
    return found
end

local takenBack, crashed = 0, 0
for _, entry in ipairs(over('leases', now, function(state) return state == RUNNING end)) do
    if entry.isDamaged then
        T.bury(entry, RUNNING)
        crashed = crashed + 1
    elseif T.takeBack(entry, 'LostWorker', 'the lease of worker ' .. (T.read(entry, 'w') or '?') .. ' has expired', '') then
        takenBack = takenBack + 1
    else
        crashed = crashed + 1
    end
end

local expired = 0
for _, entry in ipairs(over('expiring', now, function(state) return state < RUNNING end)) do
    if entry.isDamaged then
        T.bury(entry, BLOCKED)
    elseif entry.s < RUNNING then -- it may have ended with another one
        T.finish(entry, EXPIRED, nil)
        expired = expired + 1
    end
end

-- A task does not wait for a worker that knows its type while all workers are off.
local unknown = 0
local function endUnknown(before)
    local newest, since
    local known = call('HGETALL', P .. 'known')
    local seen = {}
    for i = 1, #known, 2 do
        local at = tonumber(known[i + 1]) or 0
        seen[known[i]] = at
        newest = math.max(newest or at, at)
    end
    since = seen['']
    if newest and since and not (since <= before and now - newest <= ABSENT) then
        return
    end
    local counts = call('HGETALL', P .. 'counts')
    for i = 1, #counts, 2 do
        local queue = string.match(counts[i], '^0:(.*)$')
        for _, kind in ipairs(queue and call('SMEMBERS', P .. 'l:' .. queue) or {}) do
            if not seen[kind] or seen[kind] <= before then
                local lane = T.lane(queue, kind)
                local found = {}
                T.eachBand(lane, function(_, band)
                    local tasks = call('ZRANGEBYSCORE', lane, band * BAND, '(' .. text((band + 1) * BAND), 'LIMIT', 0,
                        MOST - unknown - #found)
                    for _, id in ipairs(tasks) do
                        local entry = T.get(id)
                        if not entry then
                            call('ZREM', lane, id)
                        elseif entry.isDamaged then
                            call('ZREM', lane, id)
                            T.bury(entry, READY, queue, kind)
                        elseif (T.number(entry, 'd') or T.number(entry, 'e') or 0) > before then
                            break
                        else
                            found[#found + 1] = entry
                        end
                    end
                    return unknown + #found >= MOST
                end)
                for _, entry in ipairs(found) do
                    if entry.s == READY then
                        T.set(entry, 'et', 'UnknownType')
                        T.set(entry, 'em', 'no worker knows the type ' .. entry.y)
                        T.set(entry, 'es', '')
                        T.finish(entry, DEAD, 'UNKNOWN_TYPE')
                        unknown = unknown + 1
                    end
                end
                if unknown >= MOST then
                    more = true
                    return
                end
            end
        end
    end
end
endUnknown(now - unknownAfter)

local removed = 0
for _, index in ipairs({'kept', 'dead'}) do
    local isDead = index == 'dead'
    local time = isDead and now - deadTtl or now
    for _, entry in ipairs(over(index, time, function(state)
        return isDead == (state == DEAD) and state >= SUCCEEDED
    end)) do
        if entry.isDamaged then
            T.bury(entry, isDead and DEAD or SUCCEEDED)
        end
        if not entry.isRemoved then
            T.purge(entry)
            removed = removed + 1
        end
    end
end

for _, name in ipairs(call('ZRANGEBYSCORE', P .. 'periods', '-inf', now, 'LIMIT', 0, MOST)) do
    T.holder(name)
    call('ZREM', P .. 'periods', name)
end
for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'workers.seen', '-inf', now - workerTtl)) do
    call('ZREM', P .. 'workers.seen', id)
    call('HDEL', P .. 'workers', id)
end
local known = call('HGETALL', P .. 'known')
for i = 1, #known, 2 do
    if known[i] ~= '' and (tonumber(known[i + 1]) or 0) <= now - math.max(KNOWN_TTL, 2 * unknownAfter) then
        call('HDEL', P .. 'known', known[i])
    end
end
if now >= T.meta().eu then
    call('DEL', P .. 'events')
end
T.flush()
return {takenBack, crashed, expired, unknown, removed, more and 1 or 0}
