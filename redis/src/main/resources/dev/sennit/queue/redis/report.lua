-- Takes note of a worker that lives, and of the types that it knows.
local ABSENT = 3600000
local id, report = arg(), arg()
call('HSET', P .. 'workers', id, report)
call('ZADD', P .. 'workers.seen', now, id)
local newest
for _, at in ipairs(call('HVALS', P .. 'known')) do
    newest = math.max(newest or 0, tonumber(at) or 0)
end
if not newest or now - newest > ABSENT then -- since when there are workers again
    call('HSET', P .. 'known', '', text(newest and now or 0))
end
for _ = 1, number() do
    call('HSET', P .. 'known', arg(), text(now))
end
return 1
