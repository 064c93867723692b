-- Renews leases. Returns H (held), C (a cancel is requested) or L (lost) for each.
local lease = number()
local states = {}
T.awaken(500)
for i = 1, number() do
    local id, attempt, checkpoint, progress = arg(), number(), arg(), arg()
    local entry = T.get(id)
    if entry and entry.s == RUNNING and entry.a == attempt then
        T.put(LEASES, id, now + lease)
        if checkpoint ~= '' then
            T.set(entry, 'cp', string.sub(checkpoint, 2))
        end
        if progress ~= '' then
            T.set(entry, 'pr', progress)
        end
        states[i] = entry.z and 'C' or 'H'
    else
        states[i] = 'L'
    end
end
T.flush()
return states
