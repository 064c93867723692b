-- The algorithm of the broker in Redis: what all scripts share. RedisScripts puts this text before that of each verb.
--
-- A script is one atomic step, and Redis runs one at a time. It never waits and never fails in its middle: whatever can
-- be refused is refused before the first write, by the server (see Script) or by the verb.
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
-- Of the keys and what is in them.
local VERSION = 1

-- What only some tasks have, which then have fl; set() sees to that. Each task has s, y, q, p, a and perhaps rt, which get()
-- reads. All else, such as the message, the argument and the result, is read only where it is needed, by read().
local REST = {'v', 'k', 'i', 'o', 'rc', 'am', 'u', 'uu', 'ud', 'r', 'pj', 'pi', 'af', 'in', 'di', 'n', 'd', 'x', 'z', 'f', 'c',
    'tt', 're', 'et', 'em', 'ea', 'pr', 'od', 'cp'}
local IS_REST = {}
for _, name in ipairs(REST) do
    IS_REST[name] = true
end
IS_REST.d, IS_REST.n, IS_REST.ea = nil, nil, nil -- each task has them, too
REST[#REST], REST[#REST - 1], REST[#REST - 2] = nil, nil, nil -- these may be large: read() reads them

-- What an entry has that is no field of the hash.
local OWN = {id = true, dirty = true, isNew = true, isDamaged = true, isRemoved = true, isShrunk = true, isToEnd = true}
-- What is there only if it is not 0.
local IS_COUNT = {a = true, f = true, c = true}
-- What is kept of a task that has ended and is not dead, but for its result.
local ENDS = {'s', 'y', 'q', 'p', 'a', 'f', 'c', 'e', 'g', 'w', 'ea', 'v', 'k', 'r', 'pr', 'et', 'em', 'es', 'rs', 'fl'}

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

-- Packs texts into one: each with its length before it, or a minus if it is false.
local function pack(values)
    local parts = {}
    for i = 1, #values do
        local value = values[i]
        if value then
            if type(value) == 'number' then
                value = text(value)
            end
            parts[3 * i - 2], parts[3 * i - 1], parts[3 * i] = #value, ':', value
        else
            parts[3 * i - 2], parts[3 * i - 1], parts[3 * i] = '-', ':', ''
        end
    end
    return table.concat(parts)
end

-- Takes the next text from a packed one; returns it and where the one after it begins.
local function unpacked(packed, from)
    local colon = string.find(packed, ':', from, true)
    local length = tonumber(string.sub(packed, from, colon - 1))
    return string.sub(packed, colon + 1, colon + length), colon + length + 1
end

local TASK, LANE, IDS, KEPT, LEASES = P .. 't:', P .. 'r:', P .. 'ids', P .. 'kept', P .. 'leases'
local EXPIRING, SCHEDULE = P .. 'expiring', P .. 'scheduled'

local T = {}
local cache, touched, turns = {}, {}, {}
local counted, emptied, filled, readied, indexes, lanes = {}, {}, {}, {}, {}, {}
local hints, ends, events, stops = {}, {}, {}, {}
local unsettled, isSettling, isPurging = {}, false, false
local meta, isMetaChanged, ids, hasMoreDue, isEventful = nil, false, 0, false, nil

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

-- A number that was stored; nil if it is none, or none that can be counted with.
local function whole(value)
    local stored = tonumber(value)
    if stored and stored > -9e15 and stored < 9e15 then
        return stored
    end
end

-- Returns a task, or nil. One that has lost what every task has is there, but isDamaged.
function T.get(id, forWhat)
    local entry = cache[id]
    if entry ~= nil then
        return entry or nil
    end
    local key = TASK .. id
    local v
    if forWhat == 'claim' then
        v = redis.pcall('HMGET', key, 's', 'y', 'q', 'p', 'a', 'rt', 'fl', 'e', 'm', 'b')
    elseif forWhat == 'end' then
        v = redis.pcall('HMGET', key, 's', 'y', 'q', 'p', 'a', 'rt', 'fl', 'e', 'g', 'w')
    else
        v = redis.pcall('HMGET', key, 's', 'y', 'q', 'p', 'a', 'rt', 'fl')
    end
    if v.err or not (v[1] or v[2] or v[3] or v[4]) then
        cache[id] = false
        return nil
    end
    local state = whole(v[1])
    entry = {id = id, dirty = {}, s = state, y = v[2] or nil, q = v[3] or nil, p = whole(v[4]),
        a = whole(v[5]) or 0, rt = v[6] or nil, fl = v[7] or nil}
    if forWhat == 'claim' then
        entry.e, entry.m, entry.b = whole(v[8]) or 0, v[9] or '', v[10] or ''
    elseif forWhat == 'end' then
        entry.e, entry.g, entry.w = v[8] or nil, v[9] or nil, v[10] or nil
        entry.isToEnd = true
    end
    if entry.fl then
        v = call('HMGET', key, unpack(REST))
        entry.v, entry.k, entry.i, entry.o = v[1] or nil, v[2] or nil, whole(v[3]), v[4] or nil
        entry.rc, entry.am, entry.u, entry.uu = whole(v[5]), v[6] or nil, v[7] or nil, v[8] or nil
        entry.ud, entry.r, entry.pj, entry.pi = whole(v[9]), v[10] or nil, v[11] or nil, v[12] or nil
        entry.af, entry['in'], entry.di = v[13] or nil, v[14] or nil, v[15] or nil
        entry.n, entry.d, entry.x, entry.z = whole(v[16]), whole(v[17]), whole(v[18]), v[19] or nil
        entry.f, entry.c, entry.tt = whole(v[20]), whole(v[21]), whole(v[22])
        entry.re, entry.et, entry.em, entry.ea = v[23] or nil, v[24] or nil, v[25] or nil, whole(v[26])
    end
    entry.f, entry.c = entry.f or 0, entry.c or 0
    entry.isDamaged = not (state and state >= 0 and state <= 8 and state % 1 == 0 and entry.y and entry.q and entry.p
        and entry.p >= 0 and entry.p <= 9)
    cache[id] = entry
    return entry
end

function T.exists(id)
    local entry = cache[id]
    if entry ~= nil then
        return entry and true
    end
    return call('EXISTS', TASK .. id) == 1
end

function T.set(entry, name, value)
    entry[name] = value
    if not entry.isNew then
        entry.dirty[name] = true
        touched[entry.id] = entry
    end
    if value and not entry.fl and IS_REST[name] then
        T.set(entry, 'fl', '1')
    end
end

-- Takes away what get() reads, if it is there.
function T.clear(entry, name)
    if entry[name] ~= nil then
        T.set(entry, name, nil)
    end
end

-- Reads what get() does not.
function T.read(entry, name)
    local value = entry[name]
    if value == nil and not entry.isNew and not entry.isShrunk and not entry.dirty[name] then
        value = call('HGET', TASK .. entry.id, name) or nil
        entry[name] = value
    end
    return value
end

-- The same of a number.
function T.number(entry, name)
    local value = whole(T.read(entry, name))
    entry[name] = value
    return value
end

-- ---- what is told at the end ----

function T.event(kind, entry, detail)
    if isEventful == nil then
        isEventful = now < T.meta().eu
    end
    if isEventful then
        events[#events + 1] = pack({T.next('ev'), now, kind, entry.id, entry.y, entry.q, T.read(entry, 'w') or '', detail})
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
    return {entry.id, entry.y, entry.q, entry.r or '', entry.s, result, entry.re or false, stack and entry.et,
        stack and (entry.em or ''), stack, entry.a, T.number(entry, 'ea') or now}
end

-- ---- counts and indexes ----

-- Calls a command with many arguments, some at a time.
local function many(command, key, values)
    for i = 1, #values, 2000 do
        call(command, key, unpack(values, i, math.min(#values, i + 1999)))
    end
end

-- Puts a task into a sorted set, or takes it out if there is no score. That is written together at the end, or by store()
-- before the set is read.
function T.put(key, id, score)
    local changes = indexes[key]
    if not changes then
        changes = {}
        indexes[key] = changes
    end
    changes[id] = score or false
end

function T.store(key)
    local changes = indexes[key]
    if changes then
        indexes[key] = nil
        local there, gone = {}, {}
        for id, score in pairs(changes) do
            if score then
                there[#there + 1] = score
                there[#there + 1] = id
            else
                gone[#gone + 1] = id
            end
        end
        many('ZADD', key, there)
        many('ZREM', key, gone)
    end
end

function T.count(queue, state, change)
    if state <= RUNNING or state == DEAD then
        local of = counted[state]
        if not of then
            of = {}
            counted[state] = of
        end
        of[queue] = (of[queue] or 0) + change
    end
end

function T.move(entry, state)
    T.count(entry.q, entry.s, -1)
    T.set(entry, 's', state)
    T.count(entry.q, state, 1)
end

function T.lane(queue, kind)
    local of = lanes[queue]
    if not of then
        of = {}
        lanes[queue] = of
    end
    local lane = of[kind]
    if not lane then
        lane = LANE .. #queue .. ':' .. queue .. ':' .. kind
        of[kind] = lane
    end
    return lane
end

function T.leave(entry)
    local state = entry.s
    if state == READY then
        local lane = T.lane(entry.q, entry.y)
        T.put(lane, entry.id, nil)
        emptied[lane] = entry
        if entry.k then
            local key = T.key(entry)
            key.r = key.r - 1
        end
    elseif state == SCHEDULED then
        call('ZREM', SCHEDULE, entry.id)
    elseif state == HELD then
        if entry.k then
            call('ZREM', T.key(entry).held, entry.id)
        end
    elseif state == BLOCKED then
        if entry.af then
            call('ZREM', P .. 'jw:' .. entry.af, entry.id)
            T.clear(entry, 'af')
        end
    elseif state == RUNNING then
        T.put(LEASES, entry.id, nil)
    elseif state == DEAD then
        T.put(P .. 'dead', entry.id, nil)
        T.put(P .. 'dead.ids', entry.id, nil)
    else
        T.put(KEPT, entry.id, nil)
    end
    if entry.x then
        T.put(EXPIRING, entry.id, nil)
    end
end

function T.wait(entry, state)
    if entry.x then
        T.put(EXPIRING, entry.id, entry.x)
    end
    T.move(entry, state)
end

function T.schedule(entry, due)
    T.set(entry, 'd', due)
    call('ZADD', SCHEDULE, due, entry.id)
    T.wait(entry, SCHEDULED)
    if call('ZRANK', SCHEDULE, entry.id) == 0 then -- workers that wait have to look again sooner
        hints[entry.q] = true
    end
end

-- Makes a task READY: behind the others of its priority or, if it had its turn before, in front of them.
function T.ready(entry, at, isFirst)
    if entry.k then
        local key = T.key(entry)
        key.r = key.r + 1
    end
    if entry.isNew and at == entry.e then
        entry.d = nil -- the same as e
    else
        T.set(entry, 'd', at)
    end
    T.wait(entry, READY)
    local lane = T.lane(entry.q, entry.y)
    T.put(lane, entry.id, (9 - entry.p) * BAND + (isFirst and 0 or T.next('t')))
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
        call('ZADD', key.held, (9 - entry.p) * BAND + (entry.n or 0), entry.id)
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
    local due = call('ZRANGEBYSCORE', SCHEDULE, '-inf', now, 'LIMIT', 0, most)
    for _, id in ipairs(due) do
        call('ZREM', SCHEDULE, id)
        local entry = T.get(id)
        if entry and entry.isDamaged then
            T.bury(entry, SCHEDULED)
        elseif entry and entry.s == SCHEDULED then
            T.arrive(entry, T.number(entry, 'd') or now)
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
        if entry and entry.isDamaged then
            T.bury(entry, HELD)
        elseif entry and entry.s == HELD then
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
    if reason then
        T.set(entry, 're', reason)
    else
        T.clear(entry, 're')
    end
    T.set(entry, 'ea', now)
    T.clear(entry, 'z')
    T.freeUnique(entry)
    T.leavePlace(entry)
    T.move(entry, state)
    if state == DEAD then
        T.put(P .. 'dead', entry.id, now)
        T.put(P .. 'dead.ids', entry.id, 0)
        local why = T.errorText(entry)
        T.event('DIED', entry, why == '' and reason or reason .. ' ' .. why)
    else
        T.put(KEPT, entry.id, now + (entry.tt or USUAL_TTL))
        T.event(NAMES[state], entry, '')
    end
    if entry.rt then
        local how = T.ended(entry)
        local all = ends[entry.rt]
        if not all then
            all = {}
            ends[entry.rt] = all
        end
        all[#all + 1] = pack(how)
    end
    unsettled[#unsettled + 1] = entry
    T.settle()
end

-- Ends a damaged task. It has been met in a state, and perhaps in a queue and under a type, if it does not say so itself.
function T.bury(entry, state, queue, kind)
    local own = entry.s
    if not own or own < 0 or own > 8 or own % 1 ~= 0 then
        T.set(entry, 's', state)
    end
    if not entry.q and not queue then -- nobody knows whose place it has
        T.clear(entry, 'k')
        T.clear(entry, 'o')
    end
    T.set(entry, 'q', entry.q or queue or 'default')
    T.set(entry, 'y', entry.y or kind or '?')
    T.set(entry, 'p', entry.p and entry.p >= 0 and entry.p <= 9 and entry.p or 5)
    entry.isDamaged = false
    if entry.s == DEAD then
        T.set(entry, 're', 'UNREADABLE')
        return
    end
    T.set(entry, 'et', 'UnreadableTask')
    T.set(entry, 'em', 'the task has lost its state, its type, its queue or its priority')
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
        if not isPurging and entry.fl then
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
            T.shrink(entry)
        end
    end
end

-- Has a task that has ended written anew with what is still asked for: a small hash takes a quarter of the memory that a
-- hash takes which was large once.
function T.shrink(entry)
    if not entry.isNew then
        if not entry.isToEnd then
            local v = call('HMGET', TASK .. entry.id, 'e', 'g', 'w')
            entry.e, entry.g, entry.w = v[1] or nil, v[2] or nil, v[3] or nil
        end
        if entry.fl then
            T.read(entry, 'pr')
            T.read(entry, 'es')
        end
    end
    if entry.s == SUCCEEDED then -- it shows no error of an earlier run
        entry.et, entry.em, entry.es = nil, nil, nil
    end
    entry.isShrunk = true
    touched[entry.id] = entry
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
        local one
        one, from = unpacked(packed, from)
        local values, at = {}, 1
        while at <= #one do
            values[#values + 1], at = unpacked(one, at)
        end
        local task = T.task(values, 0)
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
    call('DEL', TASK .. entry.id)
    T.put(IDS, entry.id, nil)
    if entry.r then
        T.put(P .. 'w:' .. entry.r, entry.id, nil)
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
    T.ready(entry, now, true)
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

local function given(value)
    if value ~= '' then
        return value
    end
end

local function time(value)
    if value ~= '' then
        local at = tonumber(string.sub(value, 2))
        return string.byte(value) == 43 and now + at or at -- 43 is +
    end
end

local SIZE = 23

-- Makes a task of texts as Java writes them, see Arguments. It becomes the entry of the task if it is enqueued.
function T.task(v, at)
    return {id = v[at + 1], y = v[at + 2], v = given(v[at + 3]), q = v[at + 4], p = tonumber(v[at + 5]), m = v[at + 6],
        b = v[at + 7], d = time(v[at + 8]), x = time(v[at + 9]), rc = tonumber(v[at + 10]), am = given(v[at + 11]),
        u = given(v[at + 12]), uu = given(v[at + 13]), ud = tonumber(v[at + 14]), k = given(v[at + 15]),
        i = tonumber(v[at + 16]), tt = tonumber(v[at + 17]), rt = given(v[at + 18]), r = given(v[at + 19]),
        pj = given(v[at + 20]), pi = given(v[at + 21]), af = given(v[at + 22]), od = given(v[at + 23])}
end

-- Reads the next arguments as a batch.
function T.batch()
    local tasks, joins = {}, {}
    for i = 1, number() do
        tasks[i] = T.task(ARGV, position)
        position = position + SIZE
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
    T.lookUp(tasks)
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

-- Asks for all tasks of a batch at once whether they are there; mostly none is.
function T.lookUp(tasks)
    local keys, asked = {}, {}
    for _, task in ipairs(tasks) do
        if cache[task.id] == nil then
            keys[#keys + 1] = TASK .. task.id
            asked[#asked + 1] = task.id
        end
    end
    for i = 1, #keys, 2000 do
        local last = math.min(#keys, i + 1999)
        if call('EXISTS', unpack(keys, i, last)) == 0 then
            for k = i, last do
                cache[asked[k]] = false
            end
        end
    end
end

-- Enqueues tasks; returns what became of each, as id and isDuplicate.
function T.enqueue(tasks, joins)
    local accepted = #joins > 0 and T.knownJoins(tasks, joins) or {}
    local outcomes, isLeftOut, added, taken, hasDuplicates = {}, {}, {}, {}, false
    T.lookUp(tasks)
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

function T.add(entry, refused)
    entry.isNew = true
    entry.a, entry.f, entry.c = 0, 0, 0
    if entry.pj and refused[entry.pj] then
        entry.pj = nil
    end
    local after = entry.af
    if entry.v or entry.k or entry.rc or entry.am or entry.u or entry.r or entry.pj or after or entry.di or entry.x
            or entry.tt or entry.od then
        entry.fl = '1'
    end
    entry.e, entry.d = now, entry.d or now
    if entry.k or after then -- else nobody asks in which order it came
        entry.n = T.next('n')
    end
    cache[entry.id], touched[entry.id] = entry, entry
    T.put(IDS, entry.id, 0)
    if entry.r then
        T.put(P .. 'w:' .. entry.r, entry.id, 0)
    end
    if entry.u then
        T.take(entry)
    end
    entry.s = READY -- as each begins; what follows moves it
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
    T.store(lane)
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
            local since = entry and (T.number(entry, 'd') or T.number(entry, 'e'))
            if since and (not oldest or since < oldest) then
                oldest = since
            end
        end)
    end
    return oldest
end

-- ---- the end of a script ----

function T.flush()
    for id, entry in pairs(touched) do
        local there, size, gone = {}, 0, nil
        if entry.isShrunk then
            for _, name in ipairs(ENDS) do
                local value = entry[name]
                if value and not (value == 0 and IS_COUNT[name]) then
                    there[size + 1], there[size + 2] = name, value
                    size = size + 2
                end
            end
            if not entry.isNew then
                call('DEL', TASK .. id)
            end
        elseif entry.isNew then
            for name, value in pairs(entry) do
                if not OWN[name] and not (value == 0 and IS_COUNT[name]) then
                    there[size + 1], there[size + 2] = name, value
                    size = size + 2
                end
            end
        else
            for name in pairs(entry.dirty) do
                local value = entry[name]
                if value == nil then
                    gone = gone or {}
                    gone[#gone + 1] = name
                else
                    there[size + 1], there[size + 2] = name, value
                    size = size + 2
                end
            end
        end
        if size > 0 then
            call('HSET', TASK .. id, unpack(there, 1, size))
        end
        if gone then
            call('HDEL', TASK .. id, unpack(gone))
        end
    end
    while true do
        local key = next(indexes)
        if not key then
            break
        end
        T.store(key)
    end
    for state, of in pairs(counted) do
        for queue, change in pairs(of) do
            local name = state .. ':' .. queue
            if change ~= 0 and call('HINCRBY', P .. 'counts', name, change) == 0 then
                call('HDEL', P .. 'counts', name)
            end
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
            call('HSET', P .. 'k:' .. name, 'l', key.l, 'p', key.p, 'r', key.r)
        end
    end
    if isMetaChanged then
        call('HSET', P .. 'meta', 'n', meta.n, 't', meta.t, 'ev', meta.ev, 'version', VERSION)
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
    for address, all in pairs(ends) do
        call('PUBLISH', C .. 'e:' .. address, pack(all))
    end
    for _, entry in ipairs(stops) do
        call('PUBLISH', C .. 'w:' .. (T.read(entry, 'w') or ''), pack({'stop', entry.id}))
    end
end
