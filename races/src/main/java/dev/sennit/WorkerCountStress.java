package dev.sennit;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.ConcurrentLinkedQueue;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** What comes of the {@link WorkerCount} of a dynamic pool when tasks come and threads go. */
public final class WorkerCountStress {
    private WorkerCountStress() {}

    /** A task comes while the only thread ends: it is not left alone. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "a thread is there, and counted")
    @Outcome(expect = FORBIDDEN, desc = "the task has no thread, or the count is wrong")
    @State
    public static class TaskAgainstEnd {
        private final WorkerCount count = new WorkerCount(0, 1, 1, 1);
        private final ConcurrentLinkedQueue<Integer> queue = new ConcurrentLinkedQueue<>();
        private boolean started;
        private boolean ended;

        /** One thread, which has nothing to do. */
        public TaskAgainstEnd() {
            count.startsOne();
        }

        /** Brings a task. */
        @Actor
        public void bring() {
            count.taskCame();
            queue.add(1);
            started = count.startsOne();
        }

        /** The thread ends, if it may. */
        @Actor
        public void end() {
            ended = count.endsOne(queue::isEmpty);
        }

        /** Whoever is there. */
        @Arbiter
        public void look(II_Result r) {
            r.r1 = 1 + (started ? 1 : 0) - (ended ? 1 : 0);
            r.r2 = count.threads();
        }
    }

    /** Two tasks come at once: there are never more threads than there may be, and never too few. */
    @JCStressTest
    @Outcome(id = "1, 1, 2", expect = ACCEPTABLE, desc = "one for each")
    @Outcome(expect = FORBIDDEN, desc = "too many, or too few")
    @State
    public static class TaskAgainstTask {
        private final WorkerCount count = new WorkerCount(0, 2, 1, 1);

        /** Brings a task. */
        @Actor
        public void one(III_Result r) {
            count.taskCame();
            r.r1 = count.startsOne() ? 1 : 0;
        }

        /** Brings a task. */
        @Actor
        public void other(III_Result r) {
            count.taskCame();
            r.r2 = count.startsOne() ? 1 : 0;
        }

        /** Looks. */
        @Arbiter
        public void look(III_Result r) {
            // Whoever came first may have seen the load of both, and the other then finds the count at its bound.
            r.r3 = count.threads();
        }
    }

    /** Two idle threads end at once: the least number stays. */
    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "the first")
    @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "the second")
    @Outcome(expect = FORBIDDEN, desc = "both or neither")
    @State
    public static class EndAgainstEnd {
        private final WorkerCount count = new WorkerCount(1, 2, 1, 1);

        /** Two threads, and nothing to do. */
        public EndAgainstEnd() {
            count.taskCame();
            count.startsOne();
            count.taskCame();
            count.startsOne();
            count.taskEnded();
            count.taskEnded();
        }

        /** Ends, if it may. */
        @Actor
        public void one(III_Result r) {
            r.r1 = count.endsOne(() -> true) ? 1 : 0;
        }

        /** Ends, if it may. */
        @Actor
        public void other(III_Result r) {
            r.r2 = count.endsOne(() -> true) ? 1 : 0;
        }

        /** Looks. */
        @Arbiter
        public void look(III_Result r) {
            r.r3 = count.threads();
        }
    }
}
