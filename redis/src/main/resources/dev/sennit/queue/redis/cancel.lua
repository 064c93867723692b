-- Cancels a task, and if the second argument is 1, all of its workflow. Returns the state of the task, or how many there
-- were.
local id, isWorkflow = arg(), arg() == '1'
T.awaken(500)
local answer = -1
if isWorkflow then
    local open = {}
    local all = call('ZRANGE', P .. 'w:' .. id, 0, -1)
    all[#all + 1] = id
    for _, each in ipairs(all) do
        local entry = T.get(each)
        if entry and not entry.isDamaged and entry.s <= RUNNING and (entry.r or each) == id then
            open[#open + 1] = entry
        end
    end
    answer = #open
    for _, entry in ipairs(open) do
        if not entry.isRemoved then
            T.cancel(entry)
        end
    end
else
    local entry = T.get(id)
    if entry and not entry.isDamaged then
        T.cancel(entry)
        answer = entry.s
    end
end
T.flush()
return answer
