-- Returns 0 if this program understands the keys, or the version that they have.
local version = tonumber(call('HGET', P .. 'meta', 'version') or VERSION)
return version == VERSION and 0 or version or -1
