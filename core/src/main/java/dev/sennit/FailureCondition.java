package dev.sennit;

/** A condition that no attempt meets which returned a value, so that values need not be shown to it. */
interface FailureCondition extends RetryCondition {}
