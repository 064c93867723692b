package dev.sennit;

class LimitedLoopPoolTest extends PoolServicesContract {
    @Override
    protected String plan(int workers) {
        return "loop:" + workers;
    }

    @Override
    protected boolean knowsCpuTime() {
        return false;
    }
}
