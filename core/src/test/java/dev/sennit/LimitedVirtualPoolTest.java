package dev.sennit;

class LimitedVirtualPoolTest extends PoolServicesContract {
    @Override
    protected String plan(int workers) {
        return "virtual:" + workers;
    }

    @Override
    protected boolean knowsCpuTime() {
        return false;
    }
}
