-- Enqueues the messages of a batch. Arguments: for each: id, seconds for which the id is known, when it expires in ms or
-- '', list, entry, number of sizes of chords, for each key and number. Returns for each 1 if it is in, 0 if it was there.
local done = {}
local at = 1
while ARGV[at] do
  local id, known, expires, list, entry, sizes = unpack(ARGV, at, at + 5)
  at = at + 6
  local isNew = redis.call('EXISTS', 'celery-task-meta-' .. id) == 0
      and redis.call('EXISTS', P .. 'ended:' .. id) == 0
      and redis.call('HSETNX', P .. 'run:' .. id, 'in', now) == 1
  for i = 1, tonumber(sizes) do
    if isNew then redis.call('SETEX', ARGV[at], known, ARGV[at + 1]) end
    at = at + 2
  end
  if isNew then
    redis.call('EXPIRE', P .. 'run:' .. id, known)
    if expires ~= '' then redis.call('ZADD', P .. 'expiring', expires, id) end
    redis.call('LPUSH', list, entry)
  end
  done[#done + 1] = isNew and 1 or 0
end
return done
