-- The algorithm of the broker in Redis: what all scripts share. RedisScripts puts this text before that of each verb.
--
-- A script is one atomic step, and Redis runs one at a time. It never waits and never fails in its middle: whatever can
-- be refused is refused before the first write.
--
-- Keys.      KEYS[1] is the beginning of all keys, with the hash tag. docs/guides/broker-protocol.md lists the rest.
-- Arguments. ARGV[1] is the time in microseconds since 1970, or empty for that of the server; ARGV[2] begins the names
--            of channels; ARGV[3] is a new id, from which the ids of error callbacks are made. Those of the verb follow,
--            and are taken one after the other by arg().
-- Entries.   A task is a hash, and here a table with the same names. get() reads one once in a script; set() changes
--            it; flush() writes what was changed, at the end. Numbers are numbers here; what is not there is nil.
-- Indexes.   Each task is in the index of its state: leave() takes it out, and what comes next puts it into another:
--            arrive() (it is to run when its turn comes), schedule(), ready(), finish().
-- Turns.     A task with a key comes into the held ones; turn() lets the next one become READY if none is and there is
--            a place. leavePlace() gives a place back.
-- Ends.      What an end brings about, callbacks and other ends, is done by settle(), one task after the other: a long
--            chain would be too deep for a recursion.
-- Due tasks  become ready when somebody looks: each verb calls awaken() first, so tasks stand in the order in which
--            they became ready, however late that was noticed.

local P, C, SEED = KEYS[1], ARGV[2], ARGV[3]
local call = redis.call

local READY, SCHEDULED, BLOCKED, HELD, RUNNING = 0, 1, 2, 3, 4
local SUCCEEDED, DEAD, CANCELLED, EXPIRED = 5, 6, 7, 8
local NAMES = {[5] = 'SUCCEEDED', [6] = 'DEAD', [7] = 'CANCELLED', [8] = 'EXPIRED'}

-- A greater priority is a smaller band of scores; in a band tasks stand by a number. Ten bands are less than 2^53.
local BAND = 562949953421312 -- 2^49
local USUAL_TTL = 86400000
local USUAL_CRASHES = 3
local EVENTS = 10000

-- What is read of each task. Its message, argument, result and the like are read only where they are needed.
local FIELDS = {'s', 'y', 'q', 'p', 'n', 'e', 'v', 'x', 'd', 'k', 'i', 'o', 'a', 'f', 'c', 'g', 'w', 'z', 'rc', 'am',
    'u', 'uu', 'ud', 'rt', 'r', 'pj', 'pi', 'af', 'in', 'tt', 're', 'et', 'em', 'ea', 'di'}
local IS_NUMBER = {s = true, p = true, n = true, e = true, x = true, d = true, i = true, a = true, f = true, c = true,
    g = true, rc = true, ud = true, tt = true, ea = true}

local micros
if ARGV[1] == '' then
    local time = call('TIME')
    micros = time[1] * 1000000 + time[2]
else
    micros = tonumber(ARGV[1])
end
local now = math.floor(micros / 1000)

local position = 3
local function arg()
    position = position + 1
    return ARGV[position]
end

local function number()
    return tonumber(arg())
end

-- An argument that is empty if it is not there.
local function optional()
    local value = arg()
    if value == '' then
        return nil
    end
    return value
end

-- Lua would round large numbers.
local function text(value)
    if type(value) == 'number' then
        return string.format('%.0f', value)
    end
    return value
end

-- Packs texts into one: each with its length before it.
local function pack(...)
    local parts = {}
    for i = 1, select('#', ...) do
        local value = text((select(i, ...))) or ''
        parts[#parts + 1] = #value .. ':' .. value
    end
    return table.concat(parts)
end

-- Takes the next text from a packed one; returns it and where the one after it begins.
local function unpacked(packed, from)
    local colon = string.find(packed, ':', from, true)
    local length = tonumber(string.sub(packed, from, colon - 1))
    return string.sub(packed, colon + 1, colon + length), colon + length + 1
end

local T = {}
local cache, touched, turns = {}, {}, {}
local counted, emptied, filled, readied = {}, {}, {}, {}
local hints, ends, events, stops = {}, {}, {}, {}
local unsettled, isSettling, isPurging = {}, false, false
local meta, isMetaChanged, ids, hasMoreDue = nil, false, 0, false

-- ---- entries ----

-- The counters: of tasks that came (n), of tasks that became ready (t), of events (ev), and until when events are kept.
function T.meta()
    if not meta then
        local values = call('HMGET', P .. 'meta', 'n', 't', 'ev', 'eu')
        meta = {n = tonumber(values[1] or 0), t = tonumber(values[2] or 0), ev = tonumber(values[3] or 0),
            eu = tonumber(values[4] or 0)}
    end
    return meta
end

function T.next(counter)
    local all = T.meta()
    all[counter] = all[counter] + 1
    isMetaChanged = true
    return all[counter]
end

-- Returns a task, or nil. One that has lost what every task has is there, but isDamaged.
function T.get(id)
    local entry = cache[id]
    if entry ~= nil then
        return entry or nil
    end
    local values = redis.pcall('HMGET', P .. 't:' .. id, unpack(FIELDS))
    local isThere = false
    if not values.err then
        for i = 1, 6 do
            isThere = isThere or values[i]
        end
    end
    if not isThere then
        cache[id] = false
        return nil
    end
    entry = {id = id, dirty = {}}
    for i, name in ipairs(FIELDS) do
        local value = values[i]
        if value and IS_NUMBER[name] then
            value = tonumber(value)
        end
        entry[name] = value or nil
    end
    entry.isDamaged = not (entry.s and entry.s >= 0 and entry.s <= 8 and entry.s % 1 == 0 and entry.y and entry.q
        and entry.p and entry.n)
    entry.a, entry.f, entry.c = entry.a or 0, entry.f or 0, entry.c or 0
    cache[id] = entry
    return entry
end

function T.exists(id)
    local entry = cache[id]
    if entry ~= nil then
        return entry and true
    end
    return call('EXISTS', P .. 't:' .. id) == 1
end

function T.set(entry, name, value)
    entry[name] = value
    if value == nil then
        value = false
    end
    entry.dirty[name] = value
    touched[entry.id] = entry
end

-- Reads what get() does not.
function T.read(entry, name)
    local value = entry[name]
    if value == nil and entry.dirty[name] == nil and not entry.isNew then
        value = call('HGET', P .. 't:' .. entry.id, name) or nil
        entry[name] = value
    end
    return value
end

-- Gives a damaged task what is needed to end it.
function T.mend(entry, state, queue, kind)
    T.set(entry, 's', state)
    T.set(entry, 'q', entry.q or queue)
    T.set(entry, 'y', entry.y or kind)
    T.set(entry, 'p', entry.p or 5)
    T.set(entry, 'n', entry.n or 0)
    T.set(entry, 'e', entry.e or now)
    if kind == '?' then -- nobody knows whose place it has
        entry.k, entry.o = nil, nil
    end
    entry.isDamaged = false
end

-- ---- what is told at the end ----

function T.event(kind, entry, detail)
    if now < T.meta().eu then
        events[#events + 1] = pack(T.next('ev'), now, kind, entry.id, entry.y, entry.q, entry.w, detail)
    end
end

function T.errorText(entry)
    if not entry.et then
        return ''
    end
    return (entry.em or '') == '' and entry.et or entry.et .. ': ' .. entry.em
end

-- How a task has ended, as Java reads it.
function T.ended(entry)
    local result, stack = false, false
    if entry.s == SUCCEEDED then
        result = T.read(entry, 'rs') or ''
    elseif entry.et then
        stack = T.read(entry, 'es') or ''
    end
    return {entry.id, entry.y, entry.q, entry.r or '', tostring(entry.s), result, entry.re or false,
        stack and entry.et, stack and (entry.em or ''), stack, text(entry.a), text(entry.ea or now)}
end

-- ---- counts and indexes ----

function T.count(queue, state, change)
    if state <= RUNNING or state == DEAD then
        local name = state .. ':' .. queue
        counted[name] = (counted[name] or 0) + change
    end
end

function T.move(entry, state)
    T.count(entry.q, entry.s, -1)
    T.set(entry, 's', state)
    T.count(entry.q, state, 1)
end

function T.lane(queue, kind)
    return P .. 'r:' .. #queue .. ':' .. queue .. ':' .. kind
end

function T.leave(entry)
    local state = entry.s
    if state == READY then
        local lane = T.lane(entry.q, entry.y)
        call('ZREM', lane, entry.id)
        emptied[lane] = entry
        if entry.k then
            local key = T.key(entry)
            key.r = key.r - 1
        end
    elseif state == SCHEDULED then
        call('ZREM', P .. 'scheduled', entry.id)
    elseif state == HELD then
        call('ZREM', T.key(entry).held, entry.id)
    elseif state == BLOCKED then
        if entry.af then
            call('ZREM', P .. 'jw:' .. entry.af, entry.id)
            T.set(entry, 'af', nil)
        end
    elseif state == RUNNING then
        call('ZREM', P .. 'leases', entry.id)
    elseif state == DEAD then
        call('ZREM', P .. 'dead', entry.id)
        call('ZREM', P .. 'dead.ids', entry.id)
    else
        call('ZREM', P .. 'kept', entry.id)
    end
    if entry.x then
        call('ZREM', P .. 'expiring', entry.id)
    end
end

function T.wait(entry, state)
    if entry.x then
        call('ZADD', P .. 'expiring', entry.x, entry.id)
    end
    T.move(entry, state)
end

function T.schedule(entry, due)
    T.set(entry, 'd', due)
    call('ZADD', P .. 'scheduled', due, entry.id)
    T.wait(entry, SCHEDULED)
    if call('ZRANK', P .. 'scheduled', entry.id) == 0 then -- workers that wait have to look again sooner
        hints[entry.q] = true
    end
end

function T.ready(entry, at)
    if entry.k then
        local key = T.key(entry)
        key.r = key.r + 1
    end
    T.set(entry, 'd', at)
    T.wait(entry, READY)
    local lane = T.lane(entry.q, entry.y)
    call('ZADD', lane, (9 - entry.p) * BAND + T.next('t'), entry.id)
    if not filled[lane] then
        filled[lane] = true
        call('SADD', P .. 'l:' .. entry.q, entry.y)
    end
    readied[#readied + 1] = entry
    hints[entry.q] = true
end

-- Makes a task READY, or HELD if its key has no place.
function T.arrive(entry, at)
    if not entry.k or entry.o then
        T.ready(entry, at)
    else
        T.wait(entry, HELD)
        local key = T.key(entry)
        call('ZADD', key.held, (9 - entry.p) * BAND + entry.n, entry.id)
        T.turn(key, at)
    end
end

-- Lets a task go that is new or has waited for others.
function T.begin(entry)
    if entry.d and entry.d > now then
        T.schedule(entry, entry.d)
    else
        T.arrive(entry, now)
    end
end

function T.awaken(most)
    local due = call('ZRANGEBYSCORE', P .. 'scheduled', '-inf', now, 'LIMIT', 0, most)
    for _, id in ipairs(due) do
        call('ZREM', P .. 'scheduled', id)
        local entry = T.get(id)
        if entry and entry.isDamaged then
            T.mend(entry, SCHEDULED, 'default', '?')
            T.unreadable(entry)
        elseif entry and entry.s == SCHEDULED then
            T.arrive(entry, entry.d or now)
        end
    end
    hasMoreDue = #due == most
end

-- ---- keys ----

function T.key(entry)
    local name = #entry.q .. ':' .. entry.q .. ':' .. entry.k
    local key = turns[name]
    if not key then
        local values = call('HMGET', P .. 'k:' .. name, 'l', 'p', 'r')
        key = {l = tonumber(values[1] or entry.i or 1), p = tonumber(values[2] or 0), r = tonumber(values[3] or 0),
            held = P .. 'h:' .. name}
        turns[name] = key
    end
    return key
end

function T.turn(key, at)
    while key.r == 0 and key.p < key.l do
        local id = call('ZPOPMIN', key.held)[1]
        if not id then
            return
        end
        local entry = T.get(id)
        if entry and entry.s == HELD and not entry.isDamaged then
            T.set(entry, 'o', '1')
            key.p = key.p + 1
            T.ready(entry, at)
        end
    end
end

function T.leavePlace(entry)
    if entry.k then
        local key = T.key(entry)
        if entry.o then
            T.set(entry, 'o', nil)
            key.p = key.p - 1
        end
        T.turn(key, now)
    end
end

-- ---- unique keys ----

-- Returns the task that has a key, and until when it has it: B, until it is begun; E, until it has ended; P, a period.
function T.holder(name)
    local taken = call('HGET', P .. 'unique', name)
    if not taken then
        return nil
    end
    local kind, over, id = string.match(taken, '^(%u)(%d*):(.*)$')
    if not kind or over ~= '' and tonumber(over) <= now then
        call('HDEL', P .. 'unique', name)
        call('ZREM', P .. 'periods', name)
        return nil
    end
    return id, kind
end

function T.take(entry)
    local over = entry.uu == 'P' and text(now + entry.ud) or ''
    if call('HSETNX', P .. 'unique', entry.u, entry.uu .. over .. ':' .. entry.id) == 1 and over ~= '' then
        call('ZADD', P .. 'periods', over, entry.u)
    end
end

function T.freeUnique(entry)
    if entry.u and entry.uu ~= 'P' then
        local id, kind = T.holder(entry.u)
        if id == entry.id and kind ~= 'P' then
            call('HDEL', P .. 'unique', entry.u)
        end
    end
end

-- ---- ends ----

function T.finish(entry, state, reason)
    T.leave(entry)
    T.set(entry, 're', reason)
    T.set(entry, 'ea', now)
    if entry.z then
        T.set(entry, 'z', nil)
    end
    T.freeUnique(entry)
    T.leavePlace(entry)
    T.move(entry, state)
    if state == DEAD then
        call('ZADD', P .. 'dead', now, entry.id)
        call('ZADD', P .. 'dead.ids', 0, entry.id)
        local why = T.errorText(entry)
        T.event('DIED', entry, why == '' and reason or reason .. ' ' .. why)
    else
        call('ZADD', P .. 'kept', now + (entry.tt or USUAL_TTL), entry.id)
        T.event(NAMES[state], entry, '')
    end
    if entry.rt then
        local end_ = T.ended(entry)
        local parts = {}
        for i, value in ipairs(end_) do
            parts[i] = value and '+' .. value or '-'
        end
        ends[entry.rt] = (ends[entry.rt] or '') .. pack(pack(unpack(parts)))
    end
    unsettled[#unsettled + 1] = entry
    T.settle()
end

function T.unreadable(entry)
    T.set(entry, 'et', 'UnreadableTask')
    T.set(entry, 'em', 'the task has lost its state, its type or its queue')
    T.set(entry, 'es', '')
    T.finish(entry, DEAD, 'UNREADABLE')
end

function T.settle()
    if isSettling then
        return
    end
    isSettling = true
    local i = 1
    while unsettled[i] do
        T.settleOne(unsettled[i])
        i = i + 1
    end
    unsettled = {}
    isSettling = false
end

function T.settleOne(entry)
    if entry.s ~= SUCCEEDED then
        if not isPurging then
            T.callBack(T.read(entry, 'od'), entry)
        end
        if entry.pj then
            local join = P .. 'j:' .. entry.pj
            if not isPurging and call('EXISTS', join) == 1 and call('HSETNX', join, 'told', '1') == 1 then
                T.callBack(call('HGET', join, 'od') or nil, entry)
            end
            if entry.s ~= DEAD then
                local id = entry.pj
                T.set(entry, 'pj', nil)
                T.giveUp(id)
            end
        end
    end
    if entry.s ~= DEAD then
        T.dropInputs(entry)
        if entry.tt == 0 then
            T.remove(entry)
        else
            T.set(entry, 'm', nil)
            T.set(entry, 'b', nil)
            T.set(entry, 'od', nil)
            T.set(entry, 'cp', nil)
        end
    end
end

-- A new id for an error callback: that of the caller, counted up.
function T.newId()
    ids = ids + 1
    local last = tonumber(string.sub(SEED, -12), 16) or 0
    return string.sub(SEED, 1, -13) .. string.format('%012x', (last + ids) % 281474976710656)
end

function T.callBack(packed, entry)
    if not packed or packed == '' then
        return
    end
    local tasks, from = {}, 1
    while from <= #packed do
        local task
        task, from = unpacked(packed, from)
        local values, at = {}, 1
        while at <= #task do
            values[#values + 1], at = unpacked(task, at)
        end
        local i = 0
        task = T.task(function()
            i = i + 1
            return values[i]
        end)
        task.id = T.newId()
        task.pj, task.pi, task.af = nil, nil, nil
        task.di, task.dr, task.de = entry.id, entry.re or NAMES[entry.s], T.errorText(entry)
        tasks[#tasks + 1] = task
    end
    T.enqueue(tasks, {})
end

-- Cancels what waits for a part that will never succeed.
function T.giveUp(join)
    local waiting = call('ZRANGE', P .. 'jw:' .. join, 0, -1)
    call('DEL', P .. 'j:' .. join, P .. 'jw:' .. join)
    for _, id in ipairs(waiting) do
        local entry = T.get(id)
        if entry and entry.s == BLOCKED then
            T.finish(entry, CANCELLED, nil)
        end
    end
end

-- Takes note of a result in the join, and lets those go that have waited for it.
function T.join(entry, result)
    if not entry.pj then
        return
    end
    local join, waiters = P .. 'j:' .. entry.pj, P .. 'jw:' .. entry.pj
    local size = tonumber(call('HGET', join, 'size') or nil)
    if not size or call('HSETNX', join, 'r' .. entry.pi, result) == 0 or call('HINCRBY', join, 'done', 1) < size then
        return
    end
    local waiting = call('ZRANGE', waiters, 0, -1)
    if #waiting == 0 then
        call('DEL', join)
        return
    end
    local inputs = text(T.next('n'))
    call('RENAME', join, P .. 'i:' .. inputs)
    call('HSET', P .. 'i:' .. inputs, 'users', #waiting)
    call('DEL', waiters)
    for _, id in ipairs(waiting) do
        local waiter = T.get(id)
        if waiter and waiter.s == BLOCKED then
            T.leave(waiter)
            T.set(waiter, 'in', inputs)
            T.begin(waiter)
        end
    end
end

-- The results for which a task has waited go with the last task that has them.
function T.dropInputs(entry)
    local inputs = entry['in']
    if inputs then
        T.set(entry, 'in', nil)
        if call('HINCRBY', P .. 'i:' .. inputs, 'users', -1) <= 0 then
            call('DEL', P .. 'i:' .. inputs)
        end
    end
end

-- Forgets a task.
function T.remove(entry)
    T.leave(entry)
    if entry.s < SUCCEEDED then
        T.freeUnique(entry)
        T.leavePlace(entry)
    end
    T.count(entry.q, entry.s, -1)
    T.dropInputs(entry)
    call('DEL', P .. 't:' .. entry.id)
    call('ZREM', P .. 'ids', entry.id)
    if entry.r then
        call('ZREM', P .. 'w:' .. entry.r, entry.id)
    end
    touched[entry.id] = nil
    cache[entry.id] = false
    entry.isRemoved = true
    if entry.pj and entry.s ~= SUCCEEDED then
        T.giveUp(entry.pj)
    end
end

function T.purge(entry)
    isPurging = true
    T.remove(entry)
    isPurging = false
end

-- Takes a task back from a worker that was lost; returns whether it is READY again.
function T.takeBack(entry, kind, message, stack)
    T.set(entry, 'c', entry.c + 1)
    if entry.z then
        T.finish(entry, CANCELLED, nil)
        return false
    end
    T.set(entry, 'et', kind)
    T.set(entry, 'em', message)
    T.set(entry, 'es', stack)
    if entry.am or entry.c >= (entry.rc or USUAL_CRASHES) then
        T.finish(entry, DEAD, entry.am and 'LOST' or 'CRASHED')
        return false
    end
    T.event('TAKEN_BACK', entry, '')
    T.leave(entry)
    T.ready(entry, now)
    return true
end

function T.cancel(entry)
    if entry.s == RUNNING then
        if not entry.z then
            T.set(entry, 'z', '1')
            T.event('CANCELLED', entry, '')
        end
        stops[#stops + 1] = entry
    elseif entry.s < RUNNING then
        T.finish(entry, CANCELLED, nil)
    end
end

-- ---- enqueue ----

-- Reads a task as Java writes it, see RedisTasks.
function T.task(take)
    local function optionalOf()
        local value = take()
        if value == '' then
            return nil
        end
        return value
    end
    local function time()
        local value = take()
        if value == '' then
            return nil
        end
        local at = tonumber(string.sub(value, 2))
        return string.sub(value, 1, 1) == '+' and now + at or at
    end
    return {id = take(), y = take(), v = optionalOf(), q = take(), p = tonumber(take()), m = take(), b = take(),
        d = time(), x = time(), rc = tonumber(optionalOf()), am = optionalOf(), u = optionalOf(), uu = optionalOf(),
        ud = tonumber(optionalOf()), k = optionalOf(), i = tonumber(optionalOf()), tt = tonumber(optionalOf()),
        rt = optionalOf(), r = optionalOf(), pj = optionalOf(), pi = optionalOf(), af = optionalOf(),
        od = optionalOf()}
end

-- Reads the next arguments as a batch.
function T.batch()
    local tasks, joins = {}, {}
    for i = 1, number() do
        tasks[i] = T.task(arg)
    end
    for i = 1, number() do
        joins[i] = {id = arg(), size = arg(), od = optional()}
    end
    return tasks, joins
end

local function isOf(joins, task)
    return task.pj and joins[task.pj] or task.af and joins[task.af]
end

-- Returns the joins of workflows that were accepted before, which is so if one of their tasks is still there: others
-- may have been removed meanwhile. And one that another workflow has, if there is such.
function T.knownJoins(tasks, joins)
    local known, size, before = {}, 0, -1
    local function add(task)
        for _, join in ipairs({task.pj or false, task.af or false}) do
            if join and not known[join] then
                known[join] = true
                size = size + 1
            end
        end
    end
    local isThere = {}
    for i, task in ipairs(tasks) do
        isThere[i] = (task.pj or task.af) and T.exists(task.id)
    end
    while size > before do -- a chain is through at once, in whatever order it is
        before = size
        for i, task in ipairs(tasks) do
            if isThere[i] or isOf(known, task) then
                add(task)
            end
        end
        for i = #tasks, 1, -1 do
            if isOf(known, tasks[i]) then
                add(tasks[i])
            end
        end
    end
    for _, join in ipairs(joins) do
        if not known[join.id] and call('EXISTS', P .. 'j:' .. join.id) == 1 then
            return known, join.id
        end
    end
    return known, nil
end

-- Leaves out the tasks that wait for duplicates, and those that wait for these; returns the joins that will never be
-- complete. The same as Batch.leaveOutWaiters.
local function leaveOutWaiters(tasks, outcomes, isLeftOut)
    local waiting, duplicates, refused = {}, {}, {}
    for i, task in ipairs(tasks) do
        if task.af then
            waiting[task.af] = waiting[task.af] or {}
            table.insert(waiting[task.af], i)
        end
        if outcomes[i].isDuplicate then
            duplicates[#duplicates + 1] = i
        end
    end
    local at = 1
    while duplicates[at] do
        local join = tasks[duplicates[at]].pj
        at = at + 1
        if join and not refused[join] then
            refused[join] = true
            for _, i in ipairs(waiting[join] or {}) do
                if not isLeftOut[i] then
                    outcomes[i].isDuplicate = true
                    isLeftOut[i] = true
                    duplicates[#duplicates + 1] = i
                end
            end
        end
    end
    return refused
end

-- Enqueues tasks; returns what became of each, as id and isDuplicate.
function T.enqueue(tasks, joins)
    local accepted = #joins > 0 and T.knownJoins(tasks, joins) or {}
    local outcomes, isLeftOut, added, taken, hasDuplicates = {}, {}, {}, {}, false
    for i, task in ipairs(tasks) do
        outcomes[i] = {id = task.id, isDuplicate = false}
        if isOf(accepted, task) or added[task.id] or T.exists(task.id) then
            isLeftOut[i] = true
        else
            added[task.id] = true
            if task.u then
                local other = taken[task.u] or T.holder(task.u)
                if other then
                    outcomes[i] = {id = other, isDuplicate = true}
                    isLeftOut[i] = true
                    hasDuplicates = true
                else
                    taken[task.u] = task.id
                end
            end
        end
    end
    local refused = hasDuplicates and leaveOutWaiters(tasks, outcomes, isLeftOut) or {}
    for _, join in ipairs(joins) do
        if not accepted[join.id] and not refused[join.id] then
            call('HSET', P .. 'j:' .. join.id, 'size', join.size, 'done', '0')
            if join.od then
                call('HSET', P .. 'j:' .. join.id, 'od', join.od)
            end
        end
    end
    for i, task in ipairs(tasks) do
        if not isLeftOut[i] then
            T.add(task, refused)
        end
    end
    return outcomes
end

function T.add(task, refused)
    local entry = {id = task.id, dirty = {}, isNew = true, a = 0, f = 0, c = 0}
    for name, value in pairs(task) do
        if name ~= 'id' then
            T.set(entry, name, value)
        end
    end
    if entry.pj and refused[entry.pj] then
        T.set(entry, 'pj', nil)
    end
    local after = entry.af
    T.set(entry, 'n', T.next('n'))
    T.set(entry, 'e', now)
    T.set(entry, 'd', entry.d or now)
    cache[entry.id] = entry
    call('ZADD', P .. 'ids', 0, entry.id)
    if entry.r then
        call('ZADD', P .. 'w:' .. entry.r, 0, entry.id)
    end
    if entry.u then
        T.take(entry)
    end
    T.set(entry, 's', READY) -- as each begins; what follows moves it
    T.count(entry.q, READY, 1)
    if entry.k then
        T.key(entry).l = entry.i
    end
    T.event('ENQUEUED', entry, '')
    if after then
        call('ZADD', P .. 'jw:' .. after, entry.n, entry.id)
        T.wait(entry, BLOCKED)
    else
        T.begin(entry)
    end
    if entry.k then -- a greater limit
        T.turn(T.key(entry), now)
    end
end

-- ---- rates ----

-- Each limit is a place in time before which no task begins, which each task moves by one interval; a burst is how far
-- it may be ahead of now. In microseconds.
function T.rate(kind)
    local stored = call('HGET', P .. 'rates', kind)
    if not stored then
        return nil
    end
    local tasks, period, burst, next = string.match(stored, '^(%d+):(%d+):(%d+):(%d+)')
    local interval = math.max(1, tonumber(period) / tonumber(tasks))
    local rate = {stored = stored, interval = interval, ahead = (tonumber(burst) - 1) * interval}
    rate.next = math.min(tonumber(next), micros + rate.ahead + interval) -- more only if the clock was set back
    return rate
end

function T.untilRate(rate)
    return math.max(0, math.ceil(rate.next - rate.ahead - micros))
end

function T.begun(kind, rate)
    rate.next = math.max(rate.next, micros) + rate.interval
    local given = string.match(rate.stored, '^%d+:%d+:%d+:')
    call('HSET', P .. 'rates', kind, given .. text(math.ceil(rate.next)))
end

-- ---- the oldest READY task ----

-- Calls a function for the first task of each priority of a lane, until it returns true.
function T.eachBand(lane, visit)
    local from = '-inf'
    while true do
        local first = call('ZRANGEBYSCORE', lane, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
        if not first[1] then
            return
        end
        local band = math.floor(tonumber(first[2]) / BAND)
        if visit(first[1], band) then
            return
        end
        from = (band + 1) * BAND
    end
end

-- Returns since when the oldest READY task of a queue is that, or nil.
function T.oldest(queue)
    local oldest
    for _, kind in ipairs(call('SMEMBERS', P .. 'l:' .. queue)) do
        T.eachBand(T.lane(queue, kind), function(id)
            local entry = T.get(id)
            if entry and entry.d and (not oldest or entry.d < oldest) then
                oldest = entry.d
            end
        end)
    end
    return oldest
end

-- ---- the end of a script ----

function T.flush()
    for id, entry in pairs(touched) do
        local there, gone = {}, {}
        for name, value in pairs(entry.dirty) do
            if value == false then
                gone[#gone + 1] = name
            else
                there[#there + 1] = name
                there[#there + 1] = text(value)
            end
        end
        if #there > 0 then
            call('HSET', P .. 't:' .. id, unpack(there))
        end
        if #gone > 0 and not entry.isNew then
            call('HDEL', P .. 't:' .. id, unpack(gone))
        end
    end
    for name, change in pairs(counted) do
        if change ~= 0 and call('HINCRBY', P .. 'counts', name, change) == 0 then
            call('HDEL', P .. 'counts', name)
        end
    end
    for lane, entry in pairs(emptied) do
        if call('EXISTS', lane) == 0 then
            call('SREM', P .. 'l:' .. entry.q, entry.y)
        end
    end
    for name, key in pairs(turns) do
        if key.p <= 0 and key.r <= 0 and call('EXISTS', key.held) == 0 then
            call('DEL', P .. 'k:' .. name)
        else
            call('HSET', P .. 'k:' .. name, 'l', text(key.l), 'p', text(key.p), 'r', text(key.r))
        end
    end
    if isMetaChanged then
        call('HSET', P .. 'meta', 'n', text(meta.n), 't', text(meta.t), 'ev', text(meta.ev))
    end
    if #events > 0 then
        for _, event in ipairs(events) do
            call('RPUSH', P .. 'events', event)
        end
        call('LTRIM', P .. 'events', -EVENTS, -1)
    end
    for queue in pairs(hints) do
        call('PUBLISH', C .. 'q:' .. queue, '')
    end
    for address, packed in pairs(ends) do
        call('PUBLISH', C .. 'e:' .. address, packed)
    end
    for _, entry in ipairs(stops) do
        call('PUBLISH', C .. 'w:' .. (entry.w or ''), pack('stop', entry.id))
    end
end
