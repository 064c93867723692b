package dev.sennit.service;

/** When a worker that has ended by itself is replaced. */
public enum ServiceKind {
    /** Always. The default. */
    ALWAYS,
    /** When it failed: with an exit code other than 0, or killed by a signal. */
    ON_FAILURE,
    /**
     * When it failed. Services that come {@code after} it start only when each of its workers has ended with exit
     * code 0. For a migration, for example.
     */
    ONCE
}
