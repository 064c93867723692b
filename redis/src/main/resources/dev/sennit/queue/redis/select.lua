-- Looks at some tasks, and does something with those that fit: L lists them, R replays them, P purges them. Returns the
-- id after which to go on (nothing if there are no more), how many fitted, and what is to be seen of them.
local what, most, scan = arg(), number(), number()
local hasPayload, payload = arg() == '1', arg()
local wanted, states = {}, {}
for i = 1, number() do
    wanted[i] = arg()
end
local bits = arg()
for i = 1, #bits do
    states[tonumber(string.sub(bits, i, i))] = true
end
local queue, kind, root, reason, part, after = optional(), optional(), optional(), optional(), optional(), optional()
T.awaken(2000)

-- The ids of an index, in their order.
local function list(index)
    T.store(P .. index)
    return call('ZRANGEBYLEX', P .. index, after and '(' .. after or '-', '+', 'LIMIT', 0, scan)
end

local candidates, isWhole
if #wanted > 0 then
    candidates, isWhole = wanted, true
elseif root then
    candidates = list('w:' .. root)
    isWhole = #candidates < scan
    if (not after or after < root) and (isWhole or root < candidates[#candidates]) then
        table.insert(candidates, root)
        table.sort(candidates)
    end
else
    candidates = list(bits == '6' and 'dead.ids' or 'ids')
    isWhole = #candidates < scan
end

local function hasText(entry)
    if entry.s ~= SUCCEEDED and entry.et and (string.find(entry.et, part, 1, true)
            or string.find(entry.em or '', part, 1, true)) then
        return true
    end
    return string.find(T.read(entry, 'b') or '', part, 1, true)
end

local function fits(entry)
    return entry and not entry.isRemoved and (bits == '' or states[entry.s]) and (not queue or entry.q == queue)
        and (not kind or entry.y == kind) and (not root or (entry.r or entry.id) == root)
        and (not reason or entry.re == reason) and (not after or after < entry.id) and (not part or hasText(entry))
end

local function view(entry)
    local isOver = entry.s == SUCCEEDED
    return {entry.id, entry.y, entry.v or 1, entry.q, entry.s, entry.p, entry.k or false, entry.r or '',
        T.number(entry, 'e') or 0, entry.s == SCHEDULED and T.number(entry, 'd') or false,
        entry.a > 0 and T.number(entry, 'g') or false, entry.s >= SUCCEEDED and T.number(entry, 'ea') or false,
        T.read(entry, 'w') or false, entry.a, entry.f, entry.c, T.read(entry, 'pr') or false,
        entry.s == DEAD and entry.re or false, not isOver and entry.et or false, not isOver and entry.em or false,
        not isOver and entry.et and T.read(entry, 'es') or false, T.read(entry, 'b') or '', T.read(entry, 'm') or '',
        entry.di or false, entry.di and T.read(entry, 'dr') or false, entry.di and T.read(entry, 'de') or false}
end

local function replay(entry)
    T.leave(entry)
    T.set(entry, 'f', 0)
    T.set(entry, 'c', 0)
    T.clear(entry, 're')
    T.clear(entry, 'x')
    T.set(entry, 'ea', nil)
    if hasPayload then
        T.set(entry, 'b', payload)
        T.set(entry, 'cp', nil)
        T.dropInputs(entry) -- the payload takes their place
    end
    if entry.u and entry.uu ~= 'P' and not T.holder(entry.u) then
        T.take(entry)
    end
    T.event('REPLAYED', entry, '')
    T.arrive(entry, now)
end

local seen, count, last = {}, 0, nil
local chosen = {}
for _, id in ipairs(candidates) do
    if #chosen == most then
        isWhole = false
        break
    end
    last = id
    local entry = T.get(id)
    if entry and entry.isDamaged then
        T.bury(entry, READY)
    end
    if fits(entry) and not (what == 'P' and entry.s == RUNNING) then
        chosen[#chosen + 1] = entry
    end
end
for _, entry in ipairs(chosen) do
    if what == 'L' then
        seen[#seen + 1] = view(entry)
    elseif not entry.isRemoved then
        count = count + 1
        if what == 'R' then
            replay(entry)
        else
            T.purge(entry)
        end
    end
end
T.flush()
return {not isWhole and last or '', count, seen}
