package dev.sennit;

/** When {@link Futures#wait} returns. */
public enum Until {
    /** As soon as any future is done, in whatever way. */
    FIRST_COMPLETED,
    /** As soon as any future has failed or was cancelled, or all are done. */
    FIRST_FAILED,
    /** When all are done. */
    ALL
}
