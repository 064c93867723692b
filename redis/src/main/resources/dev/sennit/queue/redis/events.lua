-- Keeps events until a time from now (K), or returns those after a number (R).
local what, value, most = arg(), number(), number()
if what == 'K' then
    local over = now + value
    if over > T.meta().eu then
        call('HSET', P .. 'meta', 'eu', text(over))
    end
    return {}
end
local last = T.meta().ev
local count = call('LLEN', P .. 'events')
local from = math.max(0, count - (last - value))
if from >= count or most < 1 then
    return {}
end
return call('LRANGE', P .. 'events', from, from + most - 1)
