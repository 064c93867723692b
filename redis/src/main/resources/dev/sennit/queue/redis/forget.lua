-- Forgets a worker.
local id = arg()
call('ZREM', P .. 'workers.seen', id)
return call('HDEL', P .. 'workers', id)
