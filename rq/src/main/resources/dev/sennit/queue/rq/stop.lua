-- Notes that a job is to stop that runs here. Arguments: time of day, id. Returns its worker, or '' if it does not run.
local run = runKey(ARGV[2])
if not redis.call('ZSCORE', P .. 'leases', ARGV[2]) then return '' end
redis.call('HSET', run, 'cancel', '1')
return redis.call('HGET', run, 'worker') or ''
