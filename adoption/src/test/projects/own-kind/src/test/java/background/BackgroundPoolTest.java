package background;

import dev.sennit.conformance.PoolContract;

class BackgroundPoolTest extends PoolContract {
    @Override
    protected String plan(int workers) {
        return "background:" + workers;
    }

    @Override
    protected boolean knowsCpuTime() {
        return false;
    }
}
