-- Ends a run that this worker has: checks its token, and does all that follows from the end, in one step.
-- Arguments: id, attempt, kind of the end, the beginning of the result that a repeated completion finds, then
-- steps, each: its kind, number of its arguments, arguments.
-- Returns 1 if it is done, 0 if the token is old, 2 if the task was to stop and the end says something else.
local id, attempt, kind = ARGV[1], ARGV[2], ARGV[3]
local run = P .. 'run:' .. id
local held = redis.call('HMGET', run, 'attempt', 'tag', 'cancel')
if held[1] ~= attempt or not held[2] or redis.call('HEXISTS', 'unacked', held[2]) == 0 then
  if kind == 'done' then
    local ended = redis.call('GET', 'celery-task-meta-' .. id) or redis.call('GET', P .. 'ended:' .. id)
    if ended and string.sub(ended, 1, #ARGV[4]) == ARGV[4] then return 1 end
  end
  return 0
end
if kind == 'lost' then -- only if its lease has expired
  local lease = redis.call('ZSCORE', P .. 'leases', id)
  if lease and tonumber(lease) > now then return 0 end
end
local isToStop = held[3] and true or false
if isToStop and kind ~= 'done' and kind ~= 'cancelled' then return 2 end

redis.call('ZREM', 'unacked_index', held[2])
redis.call('HDEL', 'unacked', held[2])
redis.call('ZREM', P .. 'leases', id)

local function part(a)
  -- key prefix, index, member, milliseconds, then what follows if it was the last: number of templates, for each list,
  -- before and behind; number of sizes, for each key and size; the result of the body if a part has failed: key,
  -- channel, before and behind; number of errbacks, for each list and entry
  local j, tk, s = a[1] .. '.j', a[1] .. '.t', a[1] .. '.s'
  if tonumber(a[2]) then -- a part that ran twice counts once
    for _, old in ipairs(redis.call('ZRANGEBYSCORE', j, a[2], a[2])) do
      if string.match(old, '^%[1, *"([^"]*)"') == string.match(a[3], '^%[1, *"([^"]*)"') then
        redis.call('ZREM', j, old)
      end
    end
  end
  redis.call('ZADD', j, a[2], a[3])
  local ready = redis.call('ZCARD', j)
  local more, size = redis.call('GET', tk), redis.call('GET', s)
  for _, key in ipairs({j, tk, s}) do redis.call('PEXPIRE', key, a[4]) end
  if not size or ready ~= tonumber(size) + (tonumber(more or '0')) then return end
  local results, failed = {}, nil
  for _, member in ipairs(redis.call('ZRANGE', j, 0, -1)) do
    local tid, state, value = string.match(member, '^%[1, *"([^"]*)", *"([A-Z]+)", *(.*)%]$')
    if state == 'SUCCESS' then
      results[#results + 1] = value
    elseif not failed then
      local ok, error = pcall(cjson.decode, value or '')
      local text = 'an error'
      if ok and type(error) == 'table' then
        text = tostring(error.exc_type)
        local message = error.exc_message
        if type(message) == 'table' then message = message[1] end
        if message ~= nil and message ~= cjson.null then text = text .. "('" .. tostring(message) .. "')" else text = text .. '()' end
      end
      failed = 'Dependency ' .. tostring(tid) .. ' raised ' .. text
    end
  end
  redis.call('DEL', j, tk, s)
  local at = 6
  local spliced = string.sub(cjson.encode('[' .. table.concat(results, ', ') .. ']'), 2, -2)
  for i = 1, tonumber(a[5]) do
    if not failed then
      redis.call('LPUSH', a[at], a[at + 2] == '' and a[at + 1] or a[at + 1] .. spliced .. a[at + 2])
    end
    at = at + 3
  end
  local sizes = tonumber(a[at])
  at = at + 1
  for i = 1, sizes do
    if not failed then redis.call('PSETEX', a[at], a[4], a[at + 1]) end
    at = at + 2
  end
  if failed then
    local text = a[at + 1] .. cjson.encode(failed) .. a[at + 2]
    redis.call('PSETEX', a[at], a[4], text)
    redis.call('PUBLISH', a[at], text)
    at = at + 3
    for i = 1, tonumber(a[at]) do
      redis.call('LPUSH', a[at + 1], a[at + 2])
      at = at + 2
    end
  end
end

local stays = false
local at = 5
while ARGV[at] do
  local what, n = ARGV[at], tonumber(ARGV[at + 1])
  local a = {}
  for i = 1, n do a[i] = ARGV[at + 1 + i] end
  at = at + 2 + n
  if what == 'next' then -- a successor: list, entry
    if not isToStop then redis.call('LPUSH', a[1], a[2]) end
  elseif what == 'once' then -- a successor with an id that may be there: list, entry, id, milliseconds
    if not isToStop and redis.call('EXISTS', 'celery-task-meta-' .. a[3]) == 0
        and redis.call('HSETNX', P .. 'run:' .. a[3], 'in', now) == 1 then
      redis.call('PEXPIRE', P .. 'run:' .. a[3], a[4])
      redis.call('LPUSH', a[1], a[2])
    end
  elseif what == 'size' then -- of a chord: key, number, milliseconds
    if not isToStop then redis.call('PSETEX', a[1], a[3], a[2]) end
  elseif what == 'push' then -- list, entry
    redis.call('LPUSH', a[1], a[2])
  elseif what == 'back' then -- list, entry: it is the next one
    redis.call('RPUSH', a[1], a[2])
    stays = true
  elseif what == 'stay' then -- list, entry: it stands in line again
    redis.call('LPUSH', a[1], a[2])
    stays = true
  elseif what == 'unbegun' then -- that it was claimed does not count
    redis.call('HINCRBY', run, 'attempt', -1)
  elseif what == 'due' then -- list, entry, delay in ms
    redis.call('ZADD', P .. 'due', now + tonumber(a[3]), id)
    redis.call('HSET', P .. 'waiting', id, #a[1] .. ':' .. a[1] .. a[2])
    stays = true
  elseif what == 'result' then -- id, milliseconds, JSON, channel of the submitter or ''
    redis.call('PSETEX', 'celery-task-meta-' .. a[1], a[2], a[3])
    redis.call('PUBLISH', 'celery-task-meta-' .. a[1], a[3])
    if a[4] ~= '' then redis.call('PUBLISH', a[4], a[1]) end
  elseif what == 'state' then -- id, milliseconds, JSON: it goes on
    redis.call('PSETEX', 'celery-task-meta-' .. a[1], a[2], a[3])
    redis.call('PUBLISH', 'celery-task-meta-' .. a[1], a[3])
  elseif what == 'unkept' then -- JSON of a result that is not kept, channel of the submitter or ''
    redis.call('PSETEX', P .. 'ended:' .. id, 60000, a[1])
    if a[2] ~= '' then redis.call('PUBLISH', a[2], id) end
  elseif what == 'part' then
    part(a)
  elseif what == 'crash' then
    redis.call('HINCRBY', run, 'crashes', 1)
  elseif what == 'failed' then -- queue, milliseconds for which it is counted
    redis.call('ZADD', P .. 'failed:' .. a[1], now + tonumber(a[2]), id)
    redis.call('ZREMRANGEBYSCORE', P .. 'failed:' .. a[1], '-inf', now)
    redis.call('PEXPIRE', P .. 'failed:' .. a[1], 2592000000)
    redis.call('SADD', P .. 'failing', a[1])
  elseif what == 'dead' then -- entry
    redis.call('LPUSH', P .. 'dead', a[1])
    redis.call('LTRIM', P .. 'dead', 0, 9999)
  end
end
if stays then
  redis.call('HDEL', run, 'tag', 'worker')
  redis.call('EXPIRE', run, 604800)
else
  redis.call('DEL', run)
  redis.call('ZREM', P .. 'revoked', id)
  redis.call('ZREM', P .. 'expiring', id)
end
return 1
