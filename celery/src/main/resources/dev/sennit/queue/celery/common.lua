-- What several scripts need; it stands before each of them.
local P = 'sennit.celery:'
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

local function field(value, name)
  if type(value) == 'table' then
    return value[name]
  end
  return nil
end

-- Whether a text can be the id of a task: UTF-8, which Java reads and writes as it is, of 1 to 200 bytes.
local function isId(id)
  if type(id) ~= 'string' or #id == 0 or #id > 200 then return false end
  local rest = id
  for _, sign in ipairs({'[\194-\223][\128-\191]', '\224[\160-\191][\128-\191]',
      '[\225-\236\238\239][\128-\191][\128-\191]', '\237[\128-\159][\128-\191]',
      '\240[\144-\191][\128-\191][\128-\191]', '[\241-\243][\128-\191][\128-\191][\128-\191]',
      '\244[\128-\143][\128-\191][\128-\191]'}) do
    rest = string.gsub(rest, sign, ' ')
  end
  return not string.find(rest, '[\128-\255]')
end

-- Whether the task of a message, or another message with its delivery tag, is in flight: then it waits until that ends.
local function isFlying(message, id)
  local tag = field(message.properties, 'delivery_tag')
  return redis.call('ZSCORE', P .. 'leases', id)
      or type(tag) == 'string' and redis.call('HEXISTS', 'unacked', tag) == 1
end

-- A waiting task is kept as the length of the name of its list, a colon, that name, and the message.
local function divided(waiting)
  local cut = string.find(waiting, ':', 1, true)
  local last = cut + tonumber(string.sub(waiting, 1, cut - 1))
  return string.sub(waiting, cut + 1, last), string.sub(waiting, last + 1)
end

-- What is due stands in its line again.
local function moveDue()
  local ids = redis.call('ZRANGEBYSCORE', P .. 'due', '-inf', now, 'LIMIT', 0, 200)
  for _, id in ipairs(ids) do
    local waiting = redis.call('HGET', P .. 'waiting', id)
    redis.call('ZREM', P .. 'due', id)
    redis.call('HDEL', P .. 'waiting', id)
    if waiting then
      local list, raw = divided(waiting)
      redis.call('LPUSH', list, raw)
    end
  end
  return #ids
end

-- Notes a message as in flight, as kombu does, and gives a lease of it. kombu's own time for lost messages begins when
-- the lease ends. Returns the number of the attempt, or nil if the message has no delivery tag.
local function hold(message, raw, id, queue, list, worker, lease)
  local info = field(message.properties, 'delivery_info')
  local tag, exchange, key = field(message.properties, 'delivery_tag'), field(info, 'exchange'),
      field(info, 'routing_key')
  if type(tag) ~= 'string' then return nil end
  if type(exchange) ~= 'string' then exchange = '' end
  if type(key) ~= 'string' then key = queue end
  redis.call('HSET', 'unacked', tag, '[' .. raw .. ', ' .. cjson.encode(exchange) .. ', ' .. cjson.encode(key) .. ']')
  redis.call('ZADD', 'unacked_index', tostring(math.floor((now + lease) / 1000)), tag)
  redis.call('ZADD', P .. 'leases', now + lease, id)
  local run = P .. 'run:' .. id
  local attempt = redis.call('HINCRBY', run, 'attempt', 1)
  redis.call('HSET', run, 'tag', tag, 'list', list, 'queue', queue, 'worker', worker, 'length', #raw)
  redis.call('PERSIST', run)
  return attempt
end

-- Returns the message of a task that is in flight.
local function flying(tag, length)
  local value = redis.call('HGET', 'unacked', tag)
  return value and string.sub(value, 2, 1 + tonumber(length)) or ''
end

local function refuse(list, raw, reason)
  redis.call('LREM', list, -1, raw)
  redis.call('LPUSH', P .. 'dead', cjson.encode({reason = reason, list = list, at = now}) .. '\n' .. raw)
  redis.call('LTRIM', P .. 'dead', 0, 9999)
end

-- Looks for a message that waits: for its time, or in one of the lists from a place on, the oldest first, among so many
-- entries of each; takes and holds it. Returns the attempt, list and message, or nil.
local function holdWaiting(id, lists, from, most)
  local function take(list, raw)
    local ok, message = pcall(cjson.decode, raw)
    if not ok or field(field(message, 'headers'), 'id') ~= id then return nil end
    return hold(message, raw, id, list, list, '', 30000)
  end
  local waiting = redis.call('HGET', P .. 'waiting', id)
  if waiting then
    local list, raw = divided(waiting)
    local attempt = take(list, raw)
    if attempt then
      redis.call('ZREM', P .. 'due', id)
      redis.call('HDEL', P .. 'waiting', id)
      return attempt, list, raw
    end
  end
  for i = from, #lists do
    local last = -1
    while last > -most do
      local some = redis.call('LRANGE', lists[i], last - 499, last)
      for k = #some, 1, -1 do
        if string.find(some[k], id, 1, true) then
          local attempt = take(lists[i], some[k])
          if attempt then
            redis.call('LREM', lists[i], -1, some[k])
            return attempt, lists[i], some[k]
          end
        end
      end
      if #some < 500 then break end
      last = last - 500
    end
  end
  return nil
end

