-- Returns what is known of the ends of jobs. Arguments: time of day, ids... Returns for each a list: status, queue,
-- creation, end, type or '', what is kept of it, data if its type is not known, the last result: type, value, error,
-- what is kept of it; and an end that RQ has no place for.
local all = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local known = redis.call('HMGET', jobKey(id), 'status', 'origin', 'created_at', 'ended_at', 'sennit_type', 'sennit')
  local kind = of(known[3], known[5]) or ''
  local data, result = '', {type = '', return_value = '', exc_string = '', sennit = ''}
  if known[1] == 'finished' or known[1] == 'failed' or known[1] == 'stopped' or known[1] == 'canceled' then
    local last = redis.call('XREVRANGE', 'rq:results:' .. id, '+', '-', 'COUNT', 1)[1]
    for k = 1, last and #last[2] or 0, 2 do result[last[2][k]] = last[2][k + 1] end
    if kind == '' then data = redis.call('HGET', jobKey(id), 'data') or '' end
  end
  all[#all + 1] = {known[1] or '', known[2] or '', known[3] or '', known[4] or '', kind, of(known[3], known[6]) or '',
    data, result.type, result.return_value, result.exc_string, result.sennit,
    not known[1] and redis.call('GET', P .. 'ended:' .. id) or ''}
end
return all
