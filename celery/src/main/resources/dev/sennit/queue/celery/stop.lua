-- Notes that a task is to stop that runs here. Argument: id. Returns its worker, or '' if it does not run.
local run = P .. 'run:' .. ARGV[1]
local held = redis.call('HMGET', run, 'tag', 'worker')
if not held[1] or not held[2] then return '' end
redis.call('HSET', run, 'cancel', '1')
return held[2]
