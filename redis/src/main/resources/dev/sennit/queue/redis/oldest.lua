-- Returns for how long the oldest READY task of some queues is that, or -1.
T.awaken(2000)
T.flush()
local oldest
for _ = 1, number() do
    local since = T.oldest(arg())
    if since and (not oldest or since < oldest) then
        oldest = since
    end
end
return oldest and math.max(0, now - oldest) or -1
