package dev.sennit;

import dev.sennit.internal.Throwables;

/** Wraps checked exceptions of this library's functional interfaces for those of the JDK, which allow none. */
final class Unchecked {
    private Unchecked() {}

    /** Returns the exception to throw instead of another. */
    static RuntimeException of(Exception failure) {
        if (failure instanceof RuntimeException unchecked) {
            return unchecked;
        }
        if (failure instanceof InterruptedException) {
            Thread.currentThread().interrupt();
        }
        return Throwables.completion(failure);
    }
}
