-- Returns how some tasks have ended; those that have not are left out.
local answer = {}
for _ = 1, number() do
    local entry = T.get(arg())
    if entry and not entry.isDamaged and entry.s >= SUCCEEDED then
        answer[#answer + 1] = T.ended(entry)
    end
end
return answer
