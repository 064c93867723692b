-- Returns the time in microseconds.
return text(micros)
