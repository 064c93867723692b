-- Ends tasks with their results. Returns 1 for each that was accepted, and 0 for the others.
local completions = {}
for i = 1, number() do
    local id, attempt, result = arg(), number(), arg()
    local tasks, joins = T.batch()
    completions[i] = {id = id, attempt = attempt, result = result, tasks = tasks, joins = joins}
    local entry = T.get(id, 'end')
    if #joins > 0 and entry and entry.s == RUNNING and entry.a == attempt and not entry.z then
        local _, other = T.knownJoins(tasks, joins)
        if other then
            return redis.error_reply('SENNIT there is another join with the id ' .. other)
        end
    end
end
T.awaken(500)
local accepted = {}
for i, completion in ipairs(completions) do
    local entry = T.get(completion.id)
    if entry and entry.s == RUNNING and entry.a == completion.attempt then
        local wasToStop = entry.z
        T.set(entry, 'rs', completion.result)
        T.finish(entry, SUCCEEDED, nil)
        T.join(entry, completion.result)
        if not wasToStop and #completion.tasks > 0 then
            T.enqueue(completion.tasks, completion.joins)
        end
        accepted[i] = 1
    else
        accepted[i] = entry and entry.s == SUCCEEDED and entry.a == completion.attempt and 1 or 0
    end
end
T.flush()
return accepted
