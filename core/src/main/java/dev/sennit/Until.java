package dev.sennit;

/** When {@link Futures#wait} returns. */
public enum Until {
    /** As soon as any future is done: with a value, an exception, or cancelled. */
    FIRST_COMPLETED,
    /** As soon as any future has failed or was cancelled, or all are done. */
    FIRST_FAILED,
    /** When all futures are done. */
    ALL
}
