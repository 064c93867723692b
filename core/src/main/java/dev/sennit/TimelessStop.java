package dev.sennit;

/** A stop that does not use the time, so that the clock need not be read: reading it costs more than a call. */
interface TimelessStop extends Stop {}
