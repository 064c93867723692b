-- Returns what is paused, and the limits of types.
return {call('SMEMBERS', P .. 'paused'), call('HGETALL', P .. 'rates')}
