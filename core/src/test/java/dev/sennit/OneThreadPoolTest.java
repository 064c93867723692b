package dev.sennit;

class OneThreadPoolTest extends ThreadPoolTest {
    @Override
    protected int workers() {
        return 1;
    }
}
