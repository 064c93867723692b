-- Returns all schedules: the name, and fields with their values.
local answer = {}
for _, name in ipairs(call('SMEMBERS', P .. 'schedules')) do
    answer[#answer + 1] = {name, call('HGETALL', P .. 'schedule:' .. name)}
end
return answer
