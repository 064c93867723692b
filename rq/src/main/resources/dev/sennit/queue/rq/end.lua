-- Ends a run that this worker has: checks its token, and does all that follows from the end, in one step.
-- Arguments: time of day, id, attempt, kind of the end ('done', 'died', 'cancelled', 'retry', 'back' or 'crash'), '1' if
-- only an expired lease counts, names and values, '', jobs that it brings about...
-- Returns 1 if it is done, 0 if the token is old, 2 if the job was to stop and the end says something else.
local id, attempt, kind = ARGV[2], ARGV[3], ARGV[4]
local a, at = pairsFrom(6)
local run, job, results = runKey(id), jobKey(id), 'rq:results:' .. id
local held = redis.call('HMGET', run, 'attempt', 'created', 'queue', 'cancel', 'expires', 'worker', 'since')
local lease = redis.call('ZSCORE', P .. 'leases', id)
if held[1] ~= attempt or not lease then
  if kind == 'done' then -- perhaps it was told before
    if redis.call('GET', P .. 'told:' .. id) == attempt then return 1 end
    local last = redis.call('XREVRANGE', results, '+', '-', 'COUNT', 1)[1]
    if last and redis.call('HGET', job, 'status') == 'finished' then
      for i = 1, #last[2], 2 do
        if last[2][i] == 'sennit' and cjson.decode(last[2][i + 1]).attempt == tonumber(attempt) then return 1 end
      end
    end
  end
  return 0
end
if ARGV[5] == '1' and tonumber(lease) > now then return 0 end
local isToStop = held[4] and true or false
if isToStop and kind ~= 'done' and kind ~= 'cancelled' then return 2 end

local queue = held[3]
redis.call('ZREM', P .. 'leases', id)
redis.call('ZREM', 'rq:wip:' .. queue, id)
local created = redis.call('HGET', job, 'created_at')
if redis.call('EXISTS', job) == 0 or (created or '') ~= held[2] then -- it was deleted, or another one has its id
  redis.call('DEL', run)
  redis.call('HDEL', P .. 'expiry', id)
  tell(a)
  return 1
end

local worker = 'rq:worker:' .. held[6]
if (kind == 'done' or kind == 'died' or kind == 'retry') and redis.call('EXISTS', worker) == 1 then
  redis.pcall('HINCRBY', worker, kind == 'done' and 'successful_job_count' or 'failed_job_count', 1)
  redis.pcall('HINCRBYFLOAT', worker, 'total_working_time', score(math.max(0, now - tonumber(held[7]))))
end

local stays = kind == 'retry' or kind == 'back' or kind == 'crash'
if kind == 'done' then
  if not isToStop then putAll(at) end
  release(id, 'finished')
  if a.ttl == '0' then
    removeJob(id)
    redis.call('DEL', results)
    redis.call('SET', P .. 'told:' .. id, attempt, 'PX', 60000)
  else
    redis.call('HSET', job, 'status', 'finished', 'ended_at', stamp)
    if a.value then
      redis.call('XADD', results, 'MAXLEN', '~', '10', '*', 'type', '1', 'return_value', a.value, 'sennit', a.about)
    else
      redis.call('XADD', results, 'MAXLEN', '~', '10', '*', 'type', '1', 'sennit', a.about)
    end
    keep(a.ttl, results)
    keepJob(id, a.ttl)
    redis.call('ZADD', 'rq:finished:' .. queue, a.ttl == '-1' and '+inf' or score(now + tonumber(a.ttl)), id)
  end
elseif kind == 'died' or kind == 'cancelled' then
  if a.ttl == '0' then
    if kind == 'died' then release(id, 'failed') end
    removeJob(id)
    redis.call('DEL', results)
  elseif a.canceled then
    redis.call('HSET', job, 'status', 'canceled', 'ended_at', stamp)
    redis.call('XADD', results, 'MAXLEN', '~', '10', '*', 'type', '3', 'sennit', a.about)
    redis.call('ZADD', 'rq:canceled:' .. queue, math.floor(now / 1000), id)
    keep(a.ttl, results)
    keepJob(id, a.ttl)
  else
    failed(id, queue, a)
    if kind == 'died' then release(id, 'failed') end
  end
  putAll(at)
else
  redis.call('HDEL', run, 'worker', 'since')
  redis.call('EXPIRE', run, 2592000)
  if kind == 'retry' then
    redis.call('HINCRBY', run, 'failures', 1)
    if a.retries then redis.call('HSET', job, 'retries_left', a.retries) end
    if a.delay == '0' then
      line(id, queue, false)
    else
      redis.call('SADD', 'rq:queues', 'rq:queue:' .. queue)
      redis.call('HSET', job, 'status', 'scheduled')
      redis.call('ZADD', 'rq:scheduled:' .. queue, score(now + tonumber(a.delay)), id)
    end
  else
    if kind == 'crash' then redis.call('HINCRBY', run, 'crashes', 1) end
    line(id, queue, true)
  end
  expireAgain(id, held[5])
end
if not stays then
  redis.call('DEL', run)
  redis.call('HDEL', P .. 'expiry', id)
end
tell(a)
return 1
