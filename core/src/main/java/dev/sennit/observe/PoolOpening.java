package dev.sennit.observe;

import dev.sennit.internal.Beans;
import dev.sennit.internal.OpenPools;

/** Makes ready what views from outside need, whenever a pool is opened: {@link OpenPools} makes one and runs it. */
@SuppressWarnings("unused") // by name
final class PoolOpening implements Runnable {
    PoolOpening() {}

    @Override
    public void run() {
        if (Beans.areOurs()) {
            Beans.offerWhile(PoolsMXBean.NAME, PoolsBean::new, () -> !OpenPools.areNone());
        }
    }
}
