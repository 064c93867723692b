package dev.sennit;

class InlinePoolTest extends CorePoolContract {
    @Override
    protected String plan(int workers) {
        return "inline";
    }

    @Override
    protected int workers() {
        return 1;
    }

    @Override
    protected boolean asynchronous() {
        return false;
    }

    @Override
    protected StackTraces stackTraces() {
        return StackTraces.ONE_STACK;
    }
}
