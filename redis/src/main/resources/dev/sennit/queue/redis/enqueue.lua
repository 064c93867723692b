-- Enqueues batches of several callers, each by itself. Returns for each a text, which says what is wrong or is empty, and
-- id and whether it is a duplicate for each of its tasks.
local batches, known = {}, {}
for i = 1, number() do
    local tasks, joins = T.batch()
    batches[i] = {tasks = tasks, joins = joins}
    for _, task in ipairs(tasks) do
        known[#known + 1] = task
    end
end
T.lookUp(known)
T.awaken(500)
local answer = {}
for i, batch in ipairs(batches) do
    local _, other
    if #batch.joins > 0 then
        _, other = T.knownJoins(batch.tasks, batch.joins)
    end
    local of = {other and 'there is another join with the id ' .. other or ''}
    if not other then
        for _, outcome in ipairs(T.enqueue(batch.tasks, batch.joins)) do
            of[#of + 1] = outcome.id
            of[#of + 1] = outcome.isDuplicate and 1 or 0
        end
    end
    answer[i] = of
end
T.flush()
return answer
