-- Ends a job that waits. Arguments: time of day, id, when it was created, its queue, kind of the end ('canceled',
-- 'expired' or 'unknown'), names and values, '', jobs that it brings about... Returns 1 if it is done.
local id, created, queue, kind = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local a, at = pairsFrom(6)
local job, list = jobKey(id), 'rq:queue:' .. queue
if redis.call('ZSCORE', P .. 'leases', id) then return 0 end
if kind == 'expired' then
  local expires = redis.call('ZSCORE', P .. 'expiring', id)
  if not expires or tonumber(expires) > now then return 0 end
  redis.call('LREM', list, 0, id)
  redis.call('ZREM', 'rq:scheduled:' .. queue, id)
  redis.call('ZREM', 'rq:deferred:' .. queue, id)
  removeJob(id)
  if a.ttl ~= '0' then redis.call('SET', P .. 'ended:' .. id, a.message, 'PX', a.ttl) end
else
  local known = redis.call('HMGET', job, 'status', 'created_at')
  if (known[2] or '') ~= created then return 0 end
  if kind == 'unknown' then
    if known[1] ~= 'queued' or redis.call('LREM', list, 1, id) == 0 then return 0 end
    failed(id, queue, a)
    release(id, 'failed')
  else
    if known[1] ~= 'queued' and known[1] ~= 'scheduled' and known[1] ~= 'deferred' then return 0 end
    redis.call('LREM', list, 0, id)
    redis.call('ZREM', 'rq:scheduled:' .. queue, id)
    redis.call('ZREM', 'rq:deferred:' .. queue, id)
    if a.ttl == '0' then
      removeJob(id)
    else
      redis.call('HSET', job, 'status', 'canceled', 'ended_at', stamp)
      redis.call('ZADD', 'rq:canceled:' .. queue, math.floor(now / 1000), id)
      redis.call('PERSIST', job)
      keepJob(id, a.ttl)
    end
  end
end
redis.call('ZREM', P .. 'expiring', id)
redis.call('HDEL', P .. 'expiry', id)
redis.call('DEL', runKey(id))
putAll(at)
tell(a)
return 1
