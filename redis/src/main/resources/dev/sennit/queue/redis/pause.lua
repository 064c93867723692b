-- Pauses a queue (Q) or a type (T), or ends that.
local kind, name, isPaused = arg(), arg(), arg() == '1'
if isPaused then
    call('SADD', P .. 'paused', kind .. name)
elseif call('SREM', P .. 'paused', kind .. name) == 1 then
    call('PUBLISH', kind == 'Q' and C .. 'q:' .. name or C .. 'all', 'work')
end
return 1
