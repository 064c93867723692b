-- Returns the counters of all queues, what is paused, and since when the oldest READY task of each queue is that, with
-- the time.
T.awaken(2000)
T.flush()
local counts = call('HGETALL', P .. 'counts')
local oldest = {}
for i = 1, #counts, 2 do
    local queue = string.match(counts[i], '^0:(.*)$')
    local since = queue and T.oldest(queue)
    if since then
        oldest[#oldest + 1] = queue
        oldest[#oldest + 1] = text(math.max(0, now - since))
    end
end
return {counts, call('SMEMBERS', P .. 'paused'), oldest}
