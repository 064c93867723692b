package dev.sennit.observe;

import dev.sennit.Pool;
import dev.sennit.PoolStatistics;
import dev.sennit.internal.view.OpenPools;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * An open pool of this JVM, as it was at one moment.
 *
 * {@snippet :
 * for (OpenPool pool : OpenPool.all()) {
 *     System.out.println(pool.name() + ": " + pool.statistics().queued() + " wait");
 * }
 * }
 *
 * <p>A pool counts as open until its workers have ended. The list does not keep a pool in memory that the program no
 * longer refers to.
 *
 * @param name its name; several pools may have the same
 * @param kind the first word of its plan, such as {@code threads}; for a pool of another author, the name of its class
 * @param isShutdown whether it takes no more tasks
 * @param statistics its figures
 */
public record OpenPool(String name, String kind, boolean isShutdown, PoolStatistics statistics) {
    /** Checks that all is there. */
    public OpenPool {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(statistics, "statistics");
    }

    /**
     * Returns the open pools of this JVM.
     *
     * @return a snapshot of each, by name
     */
    public static List<OpenPool> all() {
        List<OpenPool> all = new ArrayList<>();
        for (Object one : OpenPools.all()) {
            try {
                Pool pool = (Pool) one;
                all.add(new OpenPool(pool.name(), kindOf(pool), pool.isShutdown(), pool.statistics()));
            } catch (RuntimeException e) {
                // the pool is being opened, or code of its author has failed
            }
        }
        all.sort(Comparator.comparing(OpenPool::name).thenComparing(OpenPool::kind));
        return all;
    }

    /**
     * Returns the kind of a pool.
     *
     * @param pool any pool
     * @return as {@link #kind}
     */
    public static String kindOf(Pool pool) {
        return switch (pool.getClass().getName()) {
            case "dev.sennit.InlinePool" -> "inline";
            case "dev.sennit.ThreadPool" -> "threads";
            case "dev.sennit.VirtualPool" -> "virtual";
            case "dev.sennit.loop.EventLoop" -> "loop";
            case "dev.sennit.process.ProcessPool" -> "processes";
            default -> pool.getClass().getSimpleName();
        };
    }
}
