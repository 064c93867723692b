package dev.sennit;

/**
 * A kind of pool, found by {@link java.util.ServiceLoader} under the first word of its plans.
 *
 * <p>Implementations are registered both with {@code provides} in a module descriptor and in {@code
 * META-INF/services}, so that they are found on the module path and on the class path. The artifact {@code
 * sennit-conformance} has the contract of {@link Pool} as tests that an author runs against a kind.
 */
public interface PoolProvider {
    /**
     * Returns the first word of this kind's plans.
     *
     * @return such as {@code threads}
     */
    String kind();

    /**
     * Returns the syntax of this kind's plans, for messages.
     *
     * @return such as {@code threads[:N]}
     */
    String syntax();

    /**
     * Opens a pool.
     *
     * @param plan a plan of this kind
     * @return an open pool
     * @throws IllegalArgumentException if the argument or an option is unknown or out of bounds
     */
    Pool open(Plan plan);
}
