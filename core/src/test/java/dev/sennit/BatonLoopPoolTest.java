package dev.sennit;

/** A loop without the private hook: one task at a time, unless it waits where the library sees it. */
class BatonLoopPoolTest extends CorePoolContract {
    @Override
    protected String plan(int workers) {
        return "loop?mechanism=baton";
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
