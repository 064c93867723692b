package dev.sennit;

/** A condition that only failures meet, so that it need not be called for values. */
interface FailureCondition extends RetryCondition {}
