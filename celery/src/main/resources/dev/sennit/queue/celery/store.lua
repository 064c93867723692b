-- Stores a result or a state of a task that is not in Redis, and publishes it. Another run of the task may have ended
-- it: a success stays, as in Celery, and a state takes the place of no end.
-- Arguments: key, milliseconds, JSON, '1' if it is an end. Returns whether it was stored.
local old = string.match(redis.call('GETRANGE', ARGV[1], 0, 99), '^{"status": *"(%u+)"')
if old == 'SUCCESS' or ARGV[4] ~= '1' and (old == 'FAILURE' or old == 'REVOKED') then return 0 end
redis.call('PSETEX', ARGV[1], ARGV[2], ARGV[3])
redis.call('PUBLISH', ARGV[1], ARGV[3])
return 1
