-- Takes jobs from the lines of queues, notes them as RQ does, and gives a lease of each: one step. The name of a job's
-- function is compressed with its arguments, which only the caller can read; it is kept beside them once it was read.
-- Arguments: time of day, lease in ms, worker, most, bytes at most, number of types, types..., number of jobs that the
-- caller has read, for each: id, when it was created, 'type' or 'refuse', its type or the failure as base64, what is kept
-- of the failure; then queues...
-- Returns: after how many ms something is due, or -1; id, creation and data of jobs that are to be read before there
-- can be more; then for each job that was taken: a list.
local lease, worker, most, room, types = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), {}
local at = 7
for i = 1, tonumber(ARGV[6]) do
  types[ARGV[at]] = true
  at = at + 1
end
local verdicts = {}
local count = tonumber(ARGV[at])
at = at + 1
for i = 1, count do
  verdicts[ARGV[at]] = {ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]}
  at = at + 5
end
if redis.call('EXISTS', 'rq:suspended') == 1 then return {1000, {}} end

local claimed, unread = {}, {}
local FIELDS = {'created_at', 'data', 'sennit', 'timeout', 'retries_left', 'retry_intervals', 'meta', 'result_ttl',
  'failure_ttl', 'success_callback_name', 'failure_callback_name', 'dependency_ids', 'sennit_inputs'}

-- The results of the jobs before one, by their index: '' if there is none any more.
local function inputs(ids)
  local all = {}
  for _, id in ipairs(cjson.decode(ids)) do
    local entry = redis.call('XREVRANGE', 'rq:results:' .. id, '+', '-', 'COUNT', 1)[1]
    local value = ''
    if entry then
      local isDone = false
      for i = 1, #entry[2], 2 do
        if entry[2][i] == 'type' then isDone = entry[2][i + 1] == '1' end
        if entry[2][i] == 'return_value' then value = entry[2][i + 1] end
      end
      if isDone and value == '' then value = 'bnVsbA==' end -- None has no entry
      if not isDone then value = '' end
    end
    all[#all + 1] = value
  end
  return all
end

local function hold(id, queue, created)
  local run, job = runKey(id), jobKey(id)
  local attempt = redis.call('HINCRBY', run, 'attempt', 1)
  redis.call('HSET', run, 'worker', worker, 'queue', queue, 'created', created, 'since', now)
  redis.call('PERSIST', run)
  redis.call('ZADD', P .. 'leases', now + lease, id)
  redis.call('ZADD', 'rq:wip:' .. queue, score(now + lease + 60000), id)
  redis.call('HSET', job, 'status', 'started', 'started_at', stamp, 'last_heartbeat', stamp, 'worker_name', worker)
  redis.call('PERSIST', job)
  local expires = redis.call('ZSCORE', P .. 'expiring', id)
  if expires then
    redis.call('HSET', run, 'expires', string.format('%.0f', tonumber(expires)))
    redis.call('ZREM', P .. 'expiring', id)
  end
  return attempt
end

-- Returns whether the job is gone from its line.
local function take(id, queue, isFirst)
  local list, job = 'rq:queue:' .. queue, jobKey(id)
  local function remove()
    -- what a failed job releases may stand before it by now
    if isFirst and redis.call('LINDEX', list, 0) == id then
      redis.call('LPOP', list)
    else
      redis.call('LREM', list, 1, id)
    end
  end
  local known = redis.pcall('HMGET', job, 'status', 'created_at', 'sennit_type')
  if known.err then
    remove() -- its key is none of a job
    return true
  end
  local status, created = known[1], known[2] or ''
  if not status and redis.call('EXISTS', job) == 0
      or status == 'finished' or status == 'failed' or status == 'stopped' or status == 'canceled'
      or status == 'started' then
    remove() -- it was deleted or has expired, or stands in line twice
    return true
  end
  if redis.call('ZSCORE', P .. 'leases', id) then return false end -- an earlier job with this id still runs
  local kind = of(created, known[3])
  if not kind then
    local verdict = verdicts[id]
    if not verdict or verdict[1] ~= created then
      local data = redis.call('HGET', job, 'data') or ''
      room = room - #data
      for _, value in ipairs({id, created, data}) do unread[#unread + 1] = value end
      return false
    end
    if verdict[2] == 'refuse' then
      remove()
      failed(id, queue, {exc = verdict[3], about = verdict[4], ttl = '31536000000'})
      release(id, 'failed')
      return true
    end
    kind = verdict[3]
    redis.call('HSET', job, 'sennit_type', created .. '\n' .. kind)
  end
  if not types[kind] then return false end
  if #unread > 0 then return false end -- that one goes first
  local attempt = hold(id, queue, created)
  remove()
  local run = redis.call('HMGET', runKey(id), 'failures', 'crashes', 'checkpoint')
  local fields = redis.call('HMGET', job, unpack(FIELDS))
  for i = 1, #FIELDS do fields[i] = fields[i] or '' end
  room = room - #fields[2]
  local isKnown, values = true, {}
  if fields[13] ~= '' and fields[12] ~= '' then
    isKnown, values = pcall(inputs, fields[12]) -- what others have written may be anything: it ends this job alone
  end
  claimed[#claimed + 1] = {id, queue, attempt, run[1] or '0', run[2] or '0', run[3] or '', fields,
    isKnown and values or {''}}
  return true
end

local due
while ARGV[at] do
  local queue = ARGV[at]
  moveDue(queue)
  local passed = 0 -- jobs at the beginning of the line that others may take
  while #claimed < most and #unread < 3 * most and room > 0 and passed < 2000 do
    local some = redis.call('LRANGE', 'rq:queue:' .. queue, passed, passed + math.min(most - #claimed, 100) - 1)
    if #some == 0 then break end
    for _, id in ipairs(some) do
      if #claimed >= most or room <= 0 then break end
      if not take(id, queue, passed == 0) then passed = passed + 1 end
    end
  end
  local next = nextDue(queue)
  if next and (not due or next < due) then due = next end
  at = at + 1
end
table.insert(claimed, 1, unread)
table.insert(claimed, 1, due or -1)
return claimed
