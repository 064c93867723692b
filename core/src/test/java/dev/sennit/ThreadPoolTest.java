package dev.sennit;

class ThreadPoolTest extends PoolServicesContract {
    @Override
    protected String plan(int workers) {
        return "threads:" + workers;
    }
}
