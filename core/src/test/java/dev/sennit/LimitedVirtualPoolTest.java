package dev.sennit;

class LimitedVirtualPoolTest extends CorePoolContract {
    @Override
    protected String plan(int workers) {
        return "virtual:" + workers;
    }

    @Override
    protected boolean knowsCpuTime() {
        return false;
    }
}
