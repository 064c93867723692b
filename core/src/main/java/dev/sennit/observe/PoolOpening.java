package dev.sennit.observe;

import dev.sennit.internal.Beans;
import dev.sennit.internal.view.OpenPools;
import dev.sennit.internal.view.OpenThings;

/** Prepares views from outside whenever a pool is opened: {@link OpenPools} creates an instance and runs it. */
@SuppressWarnings("unused") // by name
final class PoolOpening implements Runnable {
    /** Whether this runtime has the flight recorder. */
    private static final boolean HAS_RECORDER = hasRecorder();

    PoolOpening() {}

    private static boolean hasRecorder() {
        try {
            Class.forName("jdk.jfr.FlightRecorder", false, PoolOpening.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException | LinkageError e) {
            return false;
        }
    }

    @Override
    public void run() {
        if (HAS_RECORDER) {
            FlightEvents.follow();
        }
        if (Beans.areOurs()) {
            Beans.offerWhile(PoolsMXBean.NAME, PoolsBean::new, PoolOpening::isWanted);
            Beans.offerWhile( // each worker has a pool
                    PeriodicWorkersMXBean.NAME, PeriodicWorkersBean::new,
                    () -> !OpenPools.areNone() || !OpenThings.PERIODIC_WORKERS.areNone());
        }
    }

    /**
     * Returns whether there are pools. Without pools, no view may keep the library's class loader from being unloaded.
     */
    private static boolean isWanted() {
        if (OpenPools.areNone() && HAS_RECORDER) {
            FlightEvents.stopFollowing();
            if (!OpenPools.areNone()) { // a pool was opened meanwhile
                FlightEvents.follow();
            }
        }
        return !OpenPools.areNone();
    }
}
