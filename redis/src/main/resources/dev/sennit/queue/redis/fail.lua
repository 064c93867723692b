-- Ends runs without results. Returns 1 for each that was accepted, and 0 for the others.
T.awaken(500)

local function retry(entry, delay)
    local keepsPlace = not entry.k or T.key(entry).l == 1
    T.leave(entry)
    if delay > 0 then
        T.schedule(entry, now + delay)
    end
    if not keepsPlace then
        -- others of the key come first only if they are READY before it is HELD again
        T.leavePlace(entry)
    end
    if delay == 0 then
        T.arrive(entry, now)
    end
end

local accepted = {}
for i = 1, number() do
    local id, attempt, kind, message, stack, verdict, detail = arg(), number(), arg(), arg(), arg(), arg(), arg()
    local entry = T.get(id)
    if not entry or entry.s ~= RUNNING or entry.a ~= attempt then
        accepted[i] = 0
    else
        accepted[i] = 1
        if entry.z and verdict ~= 'C' or verdict == 'S' then -- it was to stop, and has
            T.finish(entry, CANCELLED, nil)
        elseif verdict == 'C' then -- its worker's process has crashed
            T.takeBack(entry, kind, message, stack)
        elseif verdict == 'G' then -- it is given back
            T.event('GIVEN_BACK', entry, '')
            T.leave(entry)
            T.ready(entry, now)
        else
            if verdict ~= 'U' then -- U: its message cannot be read
                T.set(entry, 'f', entry.f + 1)
            end
            T.set(entry, 'et', kind)
            T.set(entry, 'em', message)
            T.set(entry, 'es', stack)
            if verdict == 'R' then
                T.event('RETRIED', entry, T.errorText(entry))
                retry(entry, tonumber(detail))
            else
                T.finish(entry, DEAD, detail)
            end
        end
    end
end
T.flush()
return accepted
