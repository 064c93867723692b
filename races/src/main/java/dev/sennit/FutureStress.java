package dev.sennit;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.openjdk.jcstress.infra.results.ZZI_Result;

/** What two threads can see of a {@link TaskFuture}. */
public final class FutureStress {
    private FutureStress() {}

    /** A task runs while somebody else completes its future. */
    @JCStressTest
    @Outcome(id = "true, false, 2", expect = ACCEPTABLE, desc = "completed from outside")
    @Outcome(id = "false, false, 1", expect = ACCEPTABLE, desc = "the run was first")
    @Outcome(expect = FORBIDDEN, desc = "both or nobody ended it, or with the other's value")
    @State
    public static class RunAgainstComplete {
        private final Submission<Integer> submission = HandPool.ONE.take(() -> 1);

        /** Runs it. */
        @Actor
        public void run() {
            submission.run();
        }

        /** Completes it. */
        @Actor
        public void complete(ZZI_Result r) {
            r.r1 = submission.future().complete(2);
        }

        /** Looks at what came of it. */
        @Arbiter
        public void look(ZZI_Result r) {
            r.r2 = submission.isQueued() || !submission.future().isDone();
            r.r3 = submission.future().join();
        }
    }

    /** Somebody cancels a future that somebody else completes. */
    @JCStressTest
    @Outcome(id = "true, false, -1", expect = ACCEPTABLE, desc = "cancelled")
    @Outcome(id = "false, true, 2", expect = ACCEPTABLE, desc = "completed")
    @Outcome(expect = FORBIDDEN, desc = "both or nobody ended it")
    @State
    public static class CancelAgainstComplete {
        private final TaskFuture<Integer> future = HandPool.ONE.take(() -> 1).future();

        /** Cancels it. */
        @Actor
        public void cancel(ZZI_Result r) {
            r.r1 = future.cancel(true);
        }

        /** Completes it. */
        @Actor
        public void complete(ZZI_Result r) {
            r.r2 = future.complete(2);
        }

        /** Looks at what came of it. */
        @Arbiter
        public void look(ZZI_Result r) {
            r.r3 = future.isCancelled() ? -1 : future.join();
        }
    }

    /** A callback is added while the task ends. */
    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "called once")
    @Outcome(expect = FORBIDDEN, desc = "forgotten, or called twice")
    @State
    public static class CallbackAgainstEnd {
        private final Submission<Integer> submission = HandPool.ONE.take(() -> 1);
        private final AtomicInteger calls = new AtomicInteger();

        /** Ends it. */
        @Actor
        public void run() {
            submission.run();
        }

        /** Adds the callback. */
        @Actor
        public void add() {
            submission.future().onDone(done -> calls.incrementAndGet());
        }

        /** Counts. */
        @Arbiter
        public void look(I_Result r) {
            r.r1 = calls.get();
        }
    }

    /** Whoever sees a future done sees what the task has done. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "not done yet")
    @Outcome(id = "0, 7", expect = ACCEPTABLE, desc = "not done yet, but seen by chance")
    @Outcome(id = "1, 7", expect = ACCEPTABLE, desc = "done and seen")
    @Outcome(expect = FORBIDDEN, desc = "done, but what the task did is not seen")
    @State
    public static class Publication {
        private int written;
        private final Submission<Integer> submission = HandPool.ONE.take(() -> written = 7);

        /** Runs it. */
        @Actor
        public void run() {
            submission.run();
        }

        /** Looks. */
        @Actor
        public void look(II_Result r) {
            r.r1 = submission.future().isDone() ? 1 : 0;
            r.r2 = written;
        }
    }
}
