package dev.sennit.process;

import dev.sennit.PoolServicesContract;

class ProcessPoolIT extends PoolServicesContract {
    @Override
    protected String plan(int workers) {
        return "processes:" + workers;
    }

    @Override
    protected boolean copiesValues() {
        return true;
    }

    @Override
    protected boolean isolates() {
        return true;
    }

    @Override
    protected boolean canNest() {
        return false;
    }

    @Override
    protected StackTraces stackTraces() {
        return StackTraces.TASK_THEN_SUBMITTER;
    }
}
