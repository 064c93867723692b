-- Enqueues a batch. Returns id and whether it is a duplicate, for each task.
local tasks, joins = T.batch()
local _, other = T.knownJoins(tasks, joins)
if other then
    return redis.error_reply('SENNIT there is another join with the id ' .. other)
end
T.awaken(500)
local answer = {}
for _, outcome in ipairs(T.enqueue(tasks, joins)) do
    answer[#answer + 1] = outcome.id
    answer[#answer + 1] = outcome.isDuplicate and 1 or 0
end
T.flush()
return answer
