-- Notes that a part of a chord has ended. Arguments: key prefix, index, member, milliseconds.
-- Returns the members of all parts if it was the last one; the keys stay until what follows was sent.
local j, tk, s = ARGV[1] .. '.j', ARGV[1] .. '.t', ARGV[1] .. '.s'
if tonumber(ARGV[2]) then -- a part that ran twice counts once
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', j, ARGV[2], ARGV[2])) do
    if string.match(old, '^%[1, *"([^"]*)"') == string.match(ARGV[3], '^%[1, *"([^"]*)"') then
      redis.call('ZREM', j, old)
    end
  end
end
redis.call('ZADD', j, ARGV[2], ARGV[3])
local ready = redis.call('ZCARD', j)
local more, size = redis.call('GET', tk), redis.call('GET', s)
for _, key in ipairs({j, tk, s}) do redis.call('PEXPIRE', key, ARGV[4]) end
if not size or ready ~= tonumber(size) + (tonumber(more or '0')) then return {} end
return redis.call('ZRANGE', j, 0, -1)
