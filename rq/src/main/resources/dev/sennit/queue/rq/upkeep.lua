-- Moves what is due, takes from Python's workers what they have lost, and returns what the caller has to end or take
-- back. Arguments: time of day, dead letters from before this time in ms are removed, '1' if the lines are to be looked
-- through for jobs that nobody knows, queues...
-- Returns: how many were removed, then for each job a list: 'lost', id, attempt, crashes, whether it was to stop, queue,
-- creation, what is kept of it; 'expired', id, what is kept of it; or 'waits', id, queue, creation, type or '',
-- since when, data or '', what is kept of it.
local found = {0}

for i = 4, #ARGV do
  local queue = ARGV[i]
  moveDue(queue)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'rq:wip:' .. queue, '-inf', score(now), 'LIMIT', 0, 50)) do
    if not redis.call('ZSCORE', P .. 'leases', id) then
      redis.call('ZREM', 'rq:wip:' .. queue, id)
      local known = redis.pcall('HMGET', jobKey(id), 'status', 'created_at', 'worker_name') -- or it is no job
      if known[1] == 'started' then -- as if we had lost it
        local run = runKey(id)
        redis.call('HINCRBY', run, 'attempt', 1)
        redis.call('HSET', run, 'worker', known[3] or '', 'queue', queue, 'created', known[2] or '', 'since', now)
        redis.call('PERSIST', run)
        redis.call('ZADD', P .. 'leases', now - 1, id)
      end
    end
  end
  for _, name in ipairs({'finished', 'failed'}) do
    redis.call('ZREMRANGEBYSCORE', 'rq:' .. name .. ':' .. queue, 0, '(' .. score(now))
  end
  for _, id in ipairs(redis.call('ZRANGE', 'rq:canceled:' .. queue, 0, 19)) do
    if redis.call('EXISTS', jobKey(id)) == 0 then redis.call('ZREM', 'rq:canceled:' .. queue, id) end
  end
end

-- The last ones first, as each is put before the others.
for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', P .. 'leases', now, '-inf', 'LIMIT', 0, 500)) do
  local held = redis.call('HMGET', runKey(id), 'attempt', 'crashes', 'cancel', 'queue', 'created')
  if held[1] then
    found[#found + 1] = {'lost', id, held[1], held[2] or '0', held[3] and '1' or '', held[4], held[5],
      of(held[5], redis.call('HGET', jobKey(id), 'sennit')) or ''}
  else
    redis.call('ZREM', P .. 'leases', id)
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'expiring', '-inf', now, 'LIMIT', 0, 200)) do
  local about = redis.call('HGET', P .. 'expiry', id)
  if about then
    found[#found + 1] = {'expired', id, about}
  else
    redis.call('ZREM', P .. 'expiring', id)
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'dead', '-inf', ARGV[2], 'LIMIT', 0, 200)) do
  local known = redis.call('HMGET', jobKey(id), 'status', 'origin')
  redis.call('ZREM', P .. 'dead', id)
  if known[1] == 'failed' then
    removeJob(id)
    redis.call('DEL', 'rq:results:' .. id)
    redis.call('ZREM', 'rq:failed:' .. (known[2] or ''), id)
    found[1] = found[1] + 1
  end
end

if ARGV[3] == '1' then
  for i = 4, #ARGV do
    for _, id in ipairs(redis.call('LRANGE', 'rq:queue:' .. ARGV[i], 0, 199)) do
      local known = redis.pcall('HMGET', jobKey(id), 'status', 'created_at', 'sennit_type', 'enqueued_at', 'sennit')
      if known[1] == 'queued' then
        local kind = of(known[2], known[3])
        found[#found + 1] = {'waits', id, ARGV[i], known[2] or '', kind or '', known[4] or '',
          not kind and redis.call('HGET', jobKey(id), 'data') or '', of(known[2], known[5]) or ''}
      end
    end
  end
end
return found
