-- Limits how many tasks of a type begin; no rate takes the limit away.
local kind, rate = arg(), optional()
if not rate then
    call('HDEL', P .. 'rates', kind)
else
    local stored = call('HGET', P .. 'rates', kind)
    if not stored or string.sub(stored, 1, #rate) ~= rate then
        call('HSET', P .. 'rates', kind, rate .. '0')
    end
end
call('PUBLISH', C .. 'all', 'work')
return 1
