package dev.sennit;

/** A pool of threads that come and go, under the contract. */
class ResizingThreadPoolTest extends CorePoolContract {
    @Override
    protected String plan(int workers) {
        return "threads:" + (workers - 1) + "-" + workers;
    }
}
