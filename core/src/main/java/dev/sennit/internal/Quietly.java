package dev.sennit.internal;

import java.io.Closeable;
import java.io.IOException;

/** Closes what is of no use any more, however the closing goes. */
public final class Quietly {
    private Quietly() {}

    /**
     * Closes a resource; a failure to do so is nobody's business, as the resource is gone either way.
     *
     * @param resource the resource
     */
    public static void close(Closeable resource) {
        try {
            resource.close();
        } catch (IOException e) {
            // gone all the same
        }
    }
}
