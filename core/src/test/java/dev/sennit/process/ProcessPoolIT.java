package dev.sennit.process;

import dev.sennit.PoolServicesContract;

class ProcessPoolIT extends PoolServicesContract {
    /** Time for a task that is interrupted to say so, also where every processor is busy. */
    @Override
    protected String plan(int workers) {
        return "processes:" + workers + "?grace=2s";
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
