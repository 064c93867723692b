-- Renews a lease. Arguments: time of day, id, attempt, lease in ms, whether there is a checkpoint, the checkpoint, the
-- job's meta with its progress or ''. Returns 0 if the lease is lost, 1 if it is held, 2 if the job is to stop.
local id, lease = ARGV[2], tonumber(ARGV[4])
local run, job = runKey(id), jobKey(id)
local held = redis.call('HMGET', run, 'attempt', 'queue', 'cancel', 'created')
if held[1] ~= ARGV[3] or not redis.call('ZSCORE', P .. 'leases', id) then return 0 end
redis.call('ZADD', P .. 'leases', now + lease, id)
redis.call('ZADD', 'rq:wip:' .. held[2], 'XX', score(now + lease + 60000), id)
if ARGV[5] == '1' then redis.call('HSET', run, 'checkpoint', ARGV[6]) end
if (redis.call('HGET', job, 'created_at') or '') == held[4] and redis.call('EXISTS', job) == 1 then
  redis.call('HSET', job, 'last_heartbeat', stamp)
  if ARGV[7] ~= '' then redis.call('HSET', job, 'meta', ARGV[7]) end
end
return held[3] and 2 or 1
