package dev.sennit;

class VirtualPoolTest extends CorePoolContract {
    @Override
    protected String plan(int workers) {
        return "virtual";
    }

    @Override
    protected boolean unlimited() {
        return true;
    }

    @Override
    protected boolean knowsCpuTime() {
        return false;
    }
}
