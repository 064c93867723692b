package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.CorePoolContract;
import dev.sennit.Task;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ProcessPoolIT extends CorePoolContract {
    /** Time for a task that is interrupted to say so, also where every processor is busy. */
    @Override
    protected String plan(int workers) {
        return "processes:" + workers + "?grace=2s";
    }

    @Override
    protected String planWithTimeToCleanUp(int workers) {
        return "processes:" + workers + "?grace=1m";
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

    /** What of the library is between a submitter and his task is no help to him. */
    @Test
    void aFailureShowsTheSubmitterFirstHoweverItWasSubmitted() throws Exception {
        Task<Integer> failing = () -> {
            throw new IllegalStateException("has to fail");
        };
        assertThat(submitter(pool().submit(failing))).isEqualTo(getClass().getName());
        assertThat(submitter(pool().invokeAll(List.of(failing)).getFirst())).isEqualTo(getClass().getName());
        assertThat(submitter(pool().invokeAll(List.of(failing), 1, TimeUnit.DAYS).getFirst()))
                .isEqualTo(getClass().getName());
    }

    private static String submitter(Future<?> failed) throws InterruptedException {
        try {
            return "no failure: " + failed.get();
        } catch (ExecutionException e) {
            List<StackTraceElement> frames = List.of(e.getCause().getStackTrace());
            int join = frames.stream().map(StackTraceElement::getMethodName).toList().indexOf("submitted by");
            return frames.get(join + 1).getClassName();
        }
    }
}
