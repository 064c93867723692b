package dev.sennit;

class EventLoopPoolTest extends CorePoolContract {
    @Override
    protected String plan(int workers) {
        return "loop";
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
