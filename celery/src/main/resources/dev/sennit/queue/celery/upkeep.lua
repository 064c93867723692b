-- Moves what is due, restores what Python workers have lost, and returns what this broker has to end or take back.
-- Arguments: kombu's visibility timeout in s, after how many ms a task is dead that nobody knows, number of known
-- types, types..., then for each queue: its name, number of lists, lists...
-- Returns: how many were restored, then for each task: why ('lost', 'expired' or 'unknown'), id, attempt, crashes, whether it was to
-- stop, queue, list, entry.
local visibility, unknownAfter, types = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
local at = 4
for i = 1, tonumber(ARGV[3]) do
  types[ARGV[at]] = true
  at = at + 1
end
moveDue()
local found = {}
local function find(...)
  for _, value in ipairs({...}) do found[#found + 1] = value end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'LIMIT', 0, 100)) do
  local run = P .. 'run:' .. id
  local held = redis.call('HMGET', run, 'attempt', 'tag', 'crashes', 'cancel', 'queue', 'list', 'length')
  if held[2] and redis.call('HEXISTS', 'unacked', held[2]) == 1 then
    find('lost', id, held[1], held[3] or '0', held[4] and '1' or '', held[5], held[6], flying(held[2], held[7]))
  else -- a worker of Python has restored it
    redis.call('ZREM', P .. 'leases', id)
    redis.call('HDEL', run, 'tag', 'worker')
    redis.call('EXPIRE', run, 604800)
  end
end

-- As kombu does, for workers that ended without taking back what they had.
local restored = 0
local ceiling = math.floor(now / 1000) - visibility
for _, tag in ipairs(redis.call('ZRANGEBYSCORE', 'unacked_index', 0, ceiling, 'LIMIT', 0, 50)) do
  local value = redis.call('HGET', 'unacked', tag)
  redis.call('ZREM', 'unacked_index', tag)
  redis.call('HDEL', 'unacked', tag)
  if value then
    local raw, exchange, key = string.match(value, '^%[(.*), *"([^"]*)", *"([^"]*)"%]$')
    local queues = {}
    if raw and exchange ~= '' then
      for _, binding in ipairs(redis.call('SMEMBERS', '_kombu.binding.' .. exchange)) do
        local bound, _, queue = string.match(binding, '^(.-)\6\22(.-)\6\22(.*)$')
        if bound == key then queues[#queues + 1] = queue end
      end
    end
    if #queues == 0 then queues = {key or 'celery'} end
    for _, queue in ipairs(queues) do redis.call('RPUSH', queue, raw or value) end
    restored = restored + 1
  end
end

redis.call('ZREMRANGEBYSCORE', P .. 'revoked', '-inf', now - 86400000)
redis.call('ZREMRANGEBYRANK', P .. 'revoked', 0, -50001)
redis.call('ZREMRANGEBYSCORE', P .. 'strange', '-inf', now - 2 * unknownAfter - 86400000)

local lists = {}
local from = at
while ARGV[from] do
  for i = from + 2, from + 1 + tonumber(ARGV[from + 1]) do lists[#lists + 1] = ARGV[i] end
  from = from + 2 + tonumber(ARGV[from + 1])
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'expiring', '-inf', now, 'LIMIT', 0, 20)) do
  if not redis.call('ZSCORE', P .. 'leases', id) then
    local attempt, list, raw = holdWaiting(id, lists, 1, 5000)
    if attempt then find('expired', id, attempt, '0', '', list, list, raw) end
    redis.call('ZREM', P .. 'expiring', id)
  elseif redis.call('HGET', P .. 'run:' .. id, 'worker') ~= '' then
    redis.call('ZADD', P .. 'expiring', now + 5000, id) -- it has begun; it counts again when it waits for a retry
  end
end

while ARGV[at] do
  local queue, lists = ARGV[at], tonumber(ARGV[at + 1])
  for i = at + 2, at + 1 + lists do
    local list = ARGV[i]
    for _, raw in ipairs(redis.call('LRANGE', list, -200, -1)) do
      local ok, message = pcall(cjson.decode, raw)
      if not ok or type(message) ~= 'table' then
        refuse(list, raw, 'the entry is no JSON object')
      else
        local name, id = field(message.headers, 'task'), field(message.headers, 'id')
        if type(name) ~= 'string' or not types[name] then
          local key = type(id) == 'string' and id or redis.sha1hex(raw)
          local since = field(field(message.headers, 'sennit'), 'at') -- else it counts from when it was seen first
          if type(since) ~= 'number' then
            redis.call('ZADD', P .. 'strange', 'NX', now, key)
            since = tonumber(redis.call('ZSCORE', P .. 'strange', key))
          end
          if since <= now - unknownAfter and #found < 800 then
            redis.call('ZREM', P .. 'strange', key)
            local isWhole = type(name) == 'string' and isId(id) and message['content-type'] == 'application/json'
            local attempt = isWhole and not isFlying(message, id) and hold(message, raw, id, queue, list, '', 30000)
            if isWhole and isFlying(message, id) and not attempt then
              redis.call('ZADD', P .. 'strange', now, key) -- it is looked at again
            elseif attempt then
              redis.call('LREM', list, -1, raw)
              find('unknown', id, attempt, '0', '', queue, list, raw)
            else
              refuse(list, raw, 'no worker has taken it, and it is no message of protocol 2 in JSON')
            end
          end
        end
      end
    end
  end
  at = at + 2 + lists
end
table.insert(found, 1, restored)
return found
