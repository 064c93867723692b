-- Takes tasks from kombu's lists, notes them as in flight as kombu does, and gives a lease of each: one step.
-- Arguments: lease in ms, worker, most, bytes at most, number of types, types..., then for each queue: its name,
-- number of lists, lists...
-- Returns: after how many ms something is due, or -1; then for each task: id, attempt, crashes, checkpoint,
-- whether it is revoked, queue, list, entry.
local lease, worker, most, room, types = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), {}
local at = 6
for i = 1, tonumber(ARGV[5]) do
  types[ARGV[at]] = true
  at = at + 1
end
moveDue()

local claimed = {}
local count = 0

-- Returns whether the entry is gone from its list.
local function take(queue, list, raw, isLast)
  local ok, message = pcall(cjson.decode, raw)
  if not ok or type(message) ~= 'table' or not string.find(raw, '^%s*{') then
    refuse(list, raw, 'the entry is no JSON object')
    return true
  end
  local name, id = field(message.headers, 'task'), field(message.headers, 'id')
  if type(name) ~= 'string' or not types[name] then
    return false
  end
  if message['content-type'] ~= 'application/json' then
    refuse(list, raw, 'the content type is not JSON')
    return true
  end
  if not isId(id) then
    refuse(list, raw, 'the message has no id')
    return true
  end
  if isFlying(message, id) then return false end
  local attempt = hold(message, raw, id, queue, list, worker, lease)
  if not attempt then
    refuse(list, raw, 'the message has no delivery tag')
    return true
  end
  if isLast then
    redis.call('RPOP', list)
  else
    redis.call('LREM', list, -1, raw)
  end
  local more = redis.call('HMGET', P .. 'run:' .. id, 'crashes', 'checkpoint')
  local revoked = redis.call('ZSCORE', P .. 'revoked', id) and '1' or ''
  count = count + 1
  room = room - #raw
  for _, value in ipairs({id, attempt, more[1] or '0', more[2] or '', revoked, queue, list, raw}) do
    claimed[#claimed + 1] = value
  end
  return true
end

while ARGV[at] do
  local queue, lists = ARGV[at], tonumber(ARGV[at + 1])
  for i = at + 2, at + 1 + lists do
    local list = ARGV[i]
    local passed = 0 -- entries at the end of the list that others may take
    while count < most and room > 0 and passed < 2000 do
      local last = -1 - passed
      local some = redis.call('LRANGE', list, last - math.min(most - count, 100) + 1, last)
      if #some == 0 then break end
      for k = #some, 1, -1 do
        if count >= most or room <= 0 then break end
        if not take(queue, list, some[k], passed == 0) then
          passed = passed + 1
        end
      end
    end
  end
  at = at + 2 + lists
end

local next = redis.call('ZRANGE', P .. 'due', 0, 0, 'WITHSCORES')
table.insert(claimed, 1, next[2] and math.max(tonumber(next[2]) - now, 1) or -1)
return claimed
