-- Renews a lease. Arguments: id, attempt, lease in ms, whether there is a checkpoint, the checkpoint, the state with the
-- progress or '', its seconds. Returns 0 if the lease is lost, 1 if it is held, 2 if the task is to stop.
local run = P .. 'run:' .. ARGV[1]
local held = redis.call('HMGET', run, 'attempt', 'tag', 'cancel')
if held[1] ~= ARGV[2] or not held[2] or redis.call('HEXISTS', 'unacked', held[2]) == 0 then return 0 end
redis.call('ZADD', 'unacked_index', tostring(math.floor((now + tonumber(ARGV[3])) / 1000)), held[2])
redis.call('ZADD', P .. 'leases', now + tonumber(ARGV[3]), ARGV[1])
if ARGV[4] == '1' then redis.call('HSET', run, 'checkpoint', ARGV[5]) end
if ARGV[6] ~= '' then
  redis.call('SETEX', 'celery-task-meta-' .. ARGV[1], ARGV[7], ARGV[6])
  redis.call('PUBLISH', 'celery-task-meta-' .. ARGV[1], ARGV[6])
end
return held[3] and 2 or 1
