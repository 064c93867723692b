-- Enqueues jobs, see put. Arguments: time of day, jobs... Returns for each whether it was not there.
local done = {}
local at = 2
while ARGV[at] do
  local isNew
  at, isNew = put(at)
  done[#done + 1] = isNew and 1 or 0
end
return done
