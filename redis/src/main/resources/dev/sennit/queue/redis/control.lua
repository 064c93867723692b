-- Sends a request to one worker, or to all.
local worker, message = optional(), arg()
call('PUBLISH', worker and C .. 'w:' .. worker or C .. 'all', pack({'control', message}))
return 1
