-- What several scripts need; it stands before each of them. The first argument of all is the time of day as RQ writes it.
local P = 'sennit.rq:'
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local stamp = ARGV[1]

local function jobKey(id) return 'rq:job:' .. id end
local function runKey(id) return P .. 'run:' .. id end

-- Milliseconds as the score of a registry, which counts seconds.
local function score(ms) return string.format('%.3f', ms / 1000) end

-- What of a job's hash an earlier job with its id has left there is not of it: jobs differ by when they were created.
local function of(created, value)
  if not value then return nil end
  local cut = string.find(value, '\n', 1, true)
  if not cut or string.sub(value, 1, cut - 1) ~= (created or '') then return nil end
  return string.sub(value, cut + 1)
end

-- Puts a job into the line of its queue.
local function line(id, queue, isFirst)
  local job = jobKey(id)
  redis.call('SADD', 'rq:queues', 'rq:queue:' .. queue)
  redis.call('HSET', job, 'status', 'queued', 'origin', queue, 'enqueued_at', stamp)
  redis.call('HSETNX', job, 'timeout', '180')
  local ttl = tonumber(redis.call('HGET', job, 'ttl') or '')
  if ttl and ttl > 0 then redis.call('EXPIRE', job, string.format('%.0f', math.min(math.floor(ttl), 3153600000))) end
  redis.call(isFirst and 'LPUSH' or 'RPUSH', 'rq:queue:' .. queue, id)
end

-- Lets a job expire that waits again.
local function expireAgain(id, expires)
  if expires and expires ~= '' then
    redis.call('ZADD', P .. 'expiring', expires, id)
    redis.call('PEXPIREAT', jobKey(id), expires)
  end
end

-- Moves the jobs of a queue whose time has come into its line, unless a scheduler of Python does that. The lock is RQ's;
-- ours has the process id 0.
local function moveDue(queue)
  local registry = 'rq:scheduled:' .. queue
  local ids = redis.call('ZRANGEBYSCORE', registry, '-inf', score(now), 'LIMIT', 0, 500)
  if #ids == 0 then return end
  local lock = 'rq:scheduler-lock:' .. queue
  local holder = redis.call('GET', lock)
  if holder and holder ~= '0' then return end
  redis.call('SET', lock, '0', 'EX', 5)
  for _, id in ipairs(ids) do
    redis.call('ZREM', registry, id)
    if redis.call('EXISTS', jobKey(id)) == 1 then
      line(id, queue, redis.call('HGET', jobKey(id), 'enqueue_at_front') == '1')
    end
  end
end

-- After how many ms a job of a queue is due, or nil.
local function nextDue(queue)
  local first = redis.call('ZRANGE', 'rq:scheduled:' .. queue, 0, 0, 'WITHSCORES')
  if not first[2] then return nil end
  local left = math.max(1, math.ceil(tonumber(first[2]) * 1000 - now))
  local holder = redis.call('GET', 'rq:scheduler-lock:' .. queue)
  if holder and holder ~= '0' then left = math.max(left, 200) end
  return left
end

-- Enqueues what has waited for a job that ends so: 'finished', or 'failed' for those that allow it.
local function release(id, status)
  local key = jobKey(id) .. ':dependents'
  for _, dependent in ipairs(redis.call('SMEMBERS', key)) do
    local job = jobKey(dependent)
    local about = redis.pcall('HMGET', job, 'status', 'origin', 'allow_dependency_failures', 'enqueue_at_front')
    if not about[1] or not about[2] then
      redis.call('SREM', key, dependent)
    elseif about[1] == 'deferred' then
      local allows = about[3] == '1'
      local isMet = status == 'finished' or allows
      for _, other in ipairs(isMet and redis.call('SMEMBERS', 'rq:job::' .. dependent .. ':dependencies') or {}) do
        local state = other ~= id and redis.call('HGET', jobKey(other), 'status')
        if state and state ~= 'finished' and not (allows and state == 'failed') then isMet = false end
      end
      if isMet then
        redis.call('ZREM', 'rq:deferred:' .. about[2], dependent)
        redis.call('SREM', key, dependent)
        line(dependent, about[2], about[4] == '1')
      end
    end
  end
end

-- Enqueues a job that stands in the arguments from a place on: its id, queue, place ('line', 'due' or 'wait'), when it is
-- due in ms, when it expires in ms or '', what is kept of it then, the number of its fields, for each name and value, the
-- number of the jobs before it, and their ids. Returns the place behind it, and whether it was not there.
local function put(at)
  local id, queue, place, due, expires, about, fields = unpack(ARGV, at, at + 6)
  at = at + 7
  local hash = {}
  for i = 1, 2 * tonumber(fields) do
    hash[i] = ARGV[at]
    at = at + 1
  end
  local before = {}
  for i = 1, tonumber(ARGV[at]) do before[i] = ARGV[at + i] end
  at = at + 1 + #before
  local job = jobKey(id)
  if redis.call('EXISTS', job, P .. 'ended:' .. id, P .. 'told:' .. id) > 0
      or redis.call('HEXISTS', P .. 'expiry', id) == 1 then
    return at, false
  end
  redis.call('HSET', job, unpack(hash))
  redis.call('SADD', 'rq:queues', 'rq:queue:' .. queue)
  if place == 'wait' then
    redis.call('HSET', job, 'status', 'deferred')
    redis.call('ZADD', 'rq:deferred:' .. queue, math.floor(now / 1000), id)
    for _, one in ipairs(before) do
      redis.call('SADD', jobKey(one) .. ':dependents', id)
      redis.call('SADD', 'rq:job::' .. id .. ':dependencies', one)
    end
  elseif place == 'due' and tonumber(due) > now then
    redis.call('HSET', job, 'status', 'scheduled')
    redis.call('ZADD', 'rq:scheduled:' .. queue, score(due), id)
  else
    moveDue(queue) -- these stand before it
    line(id, queue, false)
  end
  if expires ~= '' then
    redis.call('HSET', P .. 'expiry', id, about)
    expireAgain(id, expires)
  end
  return at, true
end

-- Enqueues all jobs that stand in the arguments from a place on.
local function putAll(at)
  while ARGV[at] do at = put(at) end
end

-- Reads pairs of names and values up to an empty name; returns them, and the place behind.
local function pairsFrom(at)
  local a = {}
  while ARGV[at] ~= '' do
    a[ARGV[at]] = ARGV[at + 1]
    at = at + 2
  end
  return a, at + 1
end

-- Keeps keys for so many ms: '-1' is for ever, '' as long as they are.
local function keep(ttl, ...)
  for _, key in ipairs({...}) do
    if ttl == '-1' then
      redis.call('PERSIST', key)
    elseif ttl ~= '' then
      redis.call('PEXPIRE', key, ttl)
    end
  end
end

local function keepJob(id, ttl)
  keep(ttl, jobKey(id), jobKey(id) .. ':dependents', 'rq:job::' .. id .. ':dependencies')
end

local function removeJob(id)
  redis.call('DEL', jobKey(id), jobKey(id) .. ':dependents', 'rq:job::' .. id .. ':dependencies')
end

-- Writes that a job has failed, as RQ does. a: status, exc (base64), about, ttl in ms or -1.
local function failed(id, queue, a)
  local key = 'rq:results:' .. id
  redis.call('HSET', jobKey(id), 'status', a.status or 'failed', 'ended_at', stamp)
  redis.call('XADD', key, 'MAXLEN', '~', '10', '*', 'type', '2', 'exc_string', a.exc, 'sennit', a.about)
  keep(a.ttl, key)
  keepJob(id, a.ttl)
  redis.call('ZADD', 'rq:failed:' .. queue, a.ttl == '-1' and '-1' or score(now + tonumber(a.ttl)), id)
  if a.dead then redis.call('ZADD', P .. 'dead', now, id) end
end

local function tell(a)
  if a.channel then redis.call('PUBLISH', a.channel, a.message) end
end

