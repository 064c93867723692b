-- Finds a task that is to be cancelled. Arguments: id, then lists...
-- Returns 'running' if it runs and is to stop; 'taken', attempt, queue, list and entry if it has waited, and is held now;
-- or 'unknown': it is known as revoked from now on, for whoever takes it.
local id = ARGV[1]
local run = P .. 'run:' .. id
local held = redis.call('HMGET', run, 'tag', 'queue', 'list')
if held[1] and redis.call('HEXISTS', 'unacked', held[1]) == 1 then
  redis.call('HSET', run, 'cancel', '1')
  return {'running'}
end
local attempt, list, raw = holdWaiting(id, ARGV, 2, 200000)
if attempt then return {'taken', tostring(attempt), list, list, raw} end
redis.call('ZADD', P .. 'revoked', now, id)
return {'unknown'}
