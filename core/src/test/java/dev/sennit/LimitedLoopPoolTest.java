package dev.sennit;

class LimitedLoopPoolTest extends CorePoolContract {
    @Override
    protected String plan(int workers) {
        return "loop:" + workers;
    }

    @Override
    protected boolean knowsCpuTime() {
        return false;
    }
}
