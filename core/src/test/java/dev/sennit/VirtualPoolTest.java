package dev.sennit;

import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Test;

class VirtualPoolTest extends PoolContract {
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

    @Override
    @Test
    @Disabled("a pool without a limit has a window without a bound")
    public void mapTakesItemsOnlyAsItCanUseThem() {}

    @Override
    @Test
    @Disabled("a pool without a limit has a window without a bound")
    public void mappingTakesItemsOnlyAsItCanUseThem() {}

    @Override
    @Test
    @Disabled("a pool without a limit has a window without a bound")
    public void mappingUnorderedTakesItemsOnlyAsItCanUseThem() {}
}
