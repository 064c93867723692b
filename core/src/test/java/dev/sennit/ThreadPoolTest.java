package dev.sennit;

class ThreadPoolTest extends PoolContract {
    @Override
    protected String plan(int workers) {
        return "threads:" + workers;
    }
}
