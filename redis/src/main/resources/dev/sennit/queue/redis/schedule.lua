-- Adds a schedule, or replaces one (what was fired last stays); without fields, removes it. Returns whether there was one.
local name, count = arg(), number()
local key = P .. 'schedule:' .. name
local isThere = call('EXISTS', key)
if count == 0 then
    call('DEL', key)
    call('SREM', P .. 'schedules', name)
    return isThere
end
for _ = 1, count do
    local field, value = arg(), arg()
    if isThere == 0 or field ~= 'lastDue' and field ~= 'lastTask' then
        call('HSET', key, field, value)
    end
end
call('SADD', P .. 'schedules', name)
return isThere
