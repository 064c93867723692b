-- Without fields, removes a schedule, and returns whether there was one. With fields, adds it, or changes the one that is
-- there if it is paused, and due next, as the caller has read it (what was fired last stays), and returns whether it did.
local name, count = arg(), number()
local key = P .. 'schedule:' .. name
local isThere = call('EXISTS', key)
if count == 0 then
    call('DEL', key)
    call('SREM', P .. 'schedules', name)
    return isThere
end
local fields = {}
for _ = 1, count do
    local field, value = arg(), arg()
    if isThere == 0 or field ~= 'lastDue' and field ~= 'lastTask' then
        fields[#fields + 1] = field
        fields[#fields + 1] = value
    end
end
local asBefore
if arg() == '1' then
    local paused, due = arg() == '1', arg()
    local old = call('HMGET', key, 'paused', 'next')
    asBefore = old[1] and (old[1] == '1') == paused and old[2] == due
else
    asBefore = isThere == 0
end
if not asBefore then
    return 0
end
call('HSET', key, unpack(fields))
call('SADD', P .. 'schedules', name)
return 1
