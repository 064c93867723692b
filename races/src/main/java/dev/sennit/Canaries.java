package dev.sennit;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.ArrayDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.IZ_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * What is broken on purpose, one for each suite: the tool has to find it, or its silence about the rest says nothing.
 */
public final class Canaries {
    private Canaries() {}

    /** A future that looks before it leaps. */
    @JCStressTest
    @Outcome(id = {"true, false", "false, true"}, expect = ACCEPTABLE, desc = "one of them")
    @Outcome(expect = FORBIDDEN, desc = "both: has to be found")
    @State
    public static class BrokenFuture {
        private volatile boolean done;

        private boolean complete() {
            if (done) {
                return false;
            }
            done = true;
            return true;
        }

        /** Completes it. */
        @Actor
        public void one(ZZ_Result r) {
            r.r1 = complete();
        }

        /** Completes it. */
        @Actor
        public void other(ZZ_Result r) {
            r.r2 = complete();
        }
    }

    /** An event that saves itself the lock when it is set. */
    @JCStressTest
    @Outcome(id = {"7, false", "7, true", "0, true"}, expect = ACCEPTABLE, desc = "seen, or to be looked for again")
    @Outcome(expect = FORBIDDEN, desc = "overlooked: has to be found")
    @State
    public static class BrokenEvent {
        private volatile boolean set = true;
        private int work;

        /** Brings work. */
        @Actor
        public void bring() {
            work = 7;
            if (!set) {
                set = true;
            }
        }

        /** Looks for work. */
        @Actor
        public void look(IZ_Result r) {
            set = false;
            r.r1 = work;
        }

        /** Whether somebody would look again. */
        @Arbiter
        public void after(IZ_Result r) {
            r.r2 = set;
        }
    }

    /** A queue without a lock. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = ACCEPTABLE, desc = "one of them")
    @Outcome(expect = FORBIDDEN, desc = "both: has to be found")
    @State
    public static class BrokenQueue {
        private final ArrayDeque<Integer> queue = new ArrayDeque<>();

        /** One element. */
        public BrokenQueue() {
            queue.add(1);
        }

        private int poll() {
            Integer element = queue.poll();
            return element == null ? 0 : element;
        }

        /** Takes. */
        @Actor
        public void one(II_Result r) {
            r.r1 = poll();
        }

        /** Takes. */
        @Actor
        public void other(II_Result r) {
            r.r2 = poll();
        }
    }

    /** A thread that looks at the queue first, and counts itself out then. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "a thread is there")
    @Outcome(expect = FORBIDDEN, desc = "the task has no thread: has to be found")
    @State
    public static class BrokenWorkerCount {
        private final ConcurrentLinkedQueue<Integer> queue = new ConcurrentLinkedQueue<>();
        private final AtomicInteger threads = new AtomicInteger(1);
        private boolean started;
        private boolean ended;

        /** Brings a task. */
        @Actor
        public void bring() {
            queue.add(1);
            started = threads.compareAndSet(0, 1);
        }

        /** Ends. */
        @Actor
        public void end() {
            if (queue.isEmpty()) {
                threads.decrementAndGet();
                ended = true;
            }
        }

        /** Whoever is there. */
        @Arbiter
        public void look(II_Result r) {
            r.r1 = 1 + (started ? 1 : 0) - (ended ? 1 : 0);
            r.r2 = threads.get();
        }
    }
}
