package dev.sennit;

class ThreadPoolTest extends CorePoolContract {
    @Override
    protected String plan(int workers) {
        return "threads:" + workers;
    }
}
