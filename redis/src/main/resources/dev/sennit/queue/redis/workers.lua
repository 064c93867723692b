-- Returns the workers: id, when it was seen, and its report.
local answer = {}
local seen = call('ZRANGE', P .. 'workers.seen', 0, -1, 'WITHSCORES')
for i = 1, #seen, 2 do
    local report = call('HGET', P .. 'workers', seen[i])
    if report then
        answer[#answer + 1] = {seen[i], text(tonumber(seen[i + 1])), report}
    end
end
return answer
