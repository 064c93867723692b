-- Fires a schedule, if it is still as the scheduler has read it. Returns F (fired), N (not due) or U (unfinished).
local name, due, next, unlessUnfinished = arg(), arg(), arg(), arg() == '1'
local tasks, joins = T.batch()
local key = P .. 'schedule:' .. name
local values = call('HMGET', key, 'paused', 'next', 'lastTask')
if not values[1] or values[1] == '1' or values[2] ~= due then
    return 'N'
end
T.awaken(500)
if unlessUnfinished and values[3] and values[3] ~= '' then
    local last = T.get(values[3])
    if last and not last.isDamaged and last.s < SUCCEEDED then
        T.flush()
        return 'U'
    end
end
local outcomes = T.enqueue(tasks, joins)
call('HSET', key, 'next', next)
if #outcomes > 0 then
    call('HSET', key, 'lastDue', due, 'lastTask', outcomes[#outcomes].id)
end
T.flush()
return 'F'
