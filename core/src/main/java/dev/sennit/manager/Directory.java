package dev.sennit.manager;

import org.jspecify.annotations.Nullable;

/** Finds and makes the objects of a server for a client. Each returned object counts as retained by the client. */
interface Directory {
    /**
     * Finds an object that was registered with the server.
     *
     * @return its number
     * @throws java.util.NoSuchElementException if there is no object of that name
     * @throws IllegalArgumentException if it has another interface, or another version of it
     */
    long find(String name, String interfaceName, long fingerprint);

    /**
     * Makes an object of the server's own: a new one if there is no name; otherwise the object of that name, made if
     * there is none.
     *
     * @param size capacity, permits or parties, if the kind has such
     * @param initial the first contents, if the kind has such
     * @return its number
     * @throws IllegalArgumentException if an object of another kind has that name
     */
    long make(ManagedKind kind, @Nullable String name, int size, @Nullable Object[] initial);
}
