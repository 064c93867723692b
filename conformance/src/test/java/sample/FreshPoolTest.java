package sample;

import dev.sennit.conformance.PoolContract;

/** The contract, kept by a kind of pool that is no part of the library. */
class FreshPoolTest extends PoolContract {
    @Override
    protected String plan(int workers) {
        return "fresh";
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
