package dev.sennit.internal.view;

import dev.sennit.internal.Uncaught;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The pools of this JVM that have not ended, for views. A pool that its program has forgotten is not kept: it drops out
 * once the garbage collector has found it.
 *
 * <p>A pool is added while it is being constructed, by the constructor that all kinds share. So a view may find a pool
 * whose fields are not all set, and has to be ready for its failure.
 */
public final class OpenPools {
    /**
     * A {@link Runnable} of the package of views, which makes ready what views need when a pool is opened. It is named
     * and not referred to, as the pools may not depend on their views.
     */
    private static final String AT_OPENING = "dev.sennit.observe.PoolOpening";

    private static final OpenThings<Object> OPEN = new OpenThings<>();
    /** Run for each pool. Does nothing if it cannot be had. */
    private static final Runnable AT_EACH = atEach();

    private OpenPools() {}

    /** The place of a pool among the open ones. */
    public static final class Entry extends OpenThings.Entry<Object> {
        private final Function<Object, List<RunningTask>> runs;

        private Entry(Object pool, Function<Object, List<RunningTask>> runs) {
            super(OPEN, pool);
            this.runs = runs;
        }
    }

    /**
     * Adds a pool.
     *
     * @param pool a pool
     * @param runs returns the tasks of a pool that run in threads of this JVM; must not refer to the pool
     * @return the handle to take it out
     */
    public static Entry add(Object pool, Function<Object, List<RunningTask>> runs) {
        Entry entry = OPEN.add(new Entry(pool, runs));
        try {
            AT_EACH.run();
        } catch (RuntimeException | Error e) { // pools work without views
            tell(e);
        }
        return entry;
    }

    /** Returns the pools, in no order. */
    public static List<Object> all() {
        return OPEN.all();
    }

    /** Returns the tasks of all pools that run in threads of this JVM, in no order. */
    public static List<RunningTask> running() {
        List<RunningTask> all = new ArrayList<>();
        for (OpenThings.Entry<Object> one : OPEN.entries()) {
            Object pool = one.get();
            if (pool != null && one instanceof Entry entry) {
                try {
                    all.addAll(entry.runs.apply(pool));
                } catch (RuntimeException e) {
                    // it is being constructed; or its author's code has failed
                }
            }
        }
        return all;
    }

    /** Returns whether there is none. */
    public static boolean areNone() {
        return OPEN.areNone();
    }

    private static Runnable atEach() {
        try {
            var constructor = Class.forName(AT_OPENING).getDeclaredConstructor();
            constructor.setAccessible(true);
            return (Runnable) constructor.newInstance();
        } catch (ReflectiveOperationException | RuntimeException | Error e) {
            tell(e);
            return () -> {};
        }
    }

    private static void tell(Throwable failure) {
        Uncaught.log("pools cannot be looked at from outside", failure);
    }
}
