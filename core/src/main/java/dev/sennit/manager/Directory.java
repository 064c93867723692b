package dev.sennit.manager;

import org.jspecify.annotations.Nullable;

/** How a client comes by objects; each it is told of counts as retained for it. */
interface Directory {
    /**
     * An object that the server was given.
     *
     * @return its number
     * @throws java.util.NoSuchElementException if nothing has that name
     * @throws IllegalArgumentException if it has another interface, or another version of it
     */
    long find(String name, String interfaceName, long fingerprint);

    /**
     * An object of the server's own: a new one without a name, or the one of that name, made if there is none.
     *
     * @param size capacity, permits or parties, where the kind has such
     * @param initial what is in it at first, where the kind has such
     * @return its number
     * @throws IllegalArgumentException if something else has that name
     */
    long make(ManagedKind kind, @Nullable String name, int size, @Nullable Object[] initial);
}
