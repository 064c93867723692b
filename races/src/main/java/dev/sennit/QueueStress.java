package dev.sennit;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Mode;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.Signal;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** What two threads can see of a {@link JoinableQueue}. */
public final class QueueStress {
    private QueueStress() {}

    private static int numberOf(@Nullable Integer element) {
        return element == null ? 0 : element;
    }

    /** Two take the one element there is. */
    @JCStressTest
    @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "the first got it")
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "the second got it")
    @Outcome(expect = FORBIDDEN, desc = "both or nobody got it")
    @State
    public static class TakeAgainstTake {
        private final JoinableQueue<Integer> queue = JoinableQueue.fifo(1);

        /** One element. */
        public TakeAgainstTake() {
            queue.add(1);
        }

        /** Takes. */
        @Actor
        public void one(III_Result r) {
            r.r1 = numberOf(queue.poll());
        }

        /** Takes. */
        @Actor
        public void other(III_Result r) {
            r.r2 = numberOf(queue.poll());
        }

        /** What is left. */
        @Arbiter
        public void look(III_Result r) {
            r.r3 = queue.size();
        }
    }

    /** Two put into the one place there is. */
    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "the first got the place")
    @Outcome(id = "0, 1, 2", expect = ACCEPTABLE, desc = "the second got the place")
    @Outcome(expect = FORBIDDEN, desc = "both or nobody got it")
    @State
    public static class PutAgainstPut {
        private final JoinableQueue<Integer> queue = JoinableQueue.fifo(1);

        /** Puts. */
        @Actor
        public void one(III_Result r) {
            r.r1 = queue.offer(1) ? 1 : 0;
        }

        /** Puts. */
        @Actor
        public void other(III_Result r) {
            r.r2 = queue.offer(2) ? 1 : 0;
        }

        /** What is in. */
        @Arbiter
        public void look(III_Result r) {
            r.r3 = numberOf(queue.poll());
        }
    }

    /** Somebody puts an element in while somebody shuts the queue down. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "it was in before")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "it was refused")
    @Outcome(expect = FORBIDDEN, desc = "taken in and lost, or refused and in")
    @State
    public static class PutAgainstShutdown {
        private final JoinableQueue<Integer> queue = JoinableQueue.fifo(4);

        /** Puts. */
        @Actor
        public void put(II_Result r) {
            try {
                queue.add(1);
                r.r1 = 1;
            } catch (QueueClosedException e) {
                r.r1 = 0;
            }
        }

        /** Shuts down. */
        @Actor
        public void shutdown() {
            queue.shutdown();
        }

        /** What is in. */
        @Arbiter
        public void look(II_Result r) {
            r.r2 = numberOf(queue.poll());
        }
    }

    /** Somebody takes an element while somebody drops what is in. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "taken")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "dropped")
    @Outcome(expect = FORBIDDEN, desc = "both or neither")
    @State
    public static class TakeAgainstShutdownNow {
        private final JoinableQueue<Integer> queue = JoinableQueue.fifo(4);

        /** One element. */
        public TakeAgainstShutdownNow() {
            queue.add(1);
        }

        /** Takes. */
        @Actor
        public void take(II_Result r) {
            r.r1 = numberOf(queue.poll());
        }

        /** Drops. */
        @Actor
        public void shutdownNow(II_Result r) {
            r.r2 = queue.shutdownNow().size();
        }
    }

    /** Whoever joins waits until the element is done, and no longer. */
    @JCStressTest(Mode.Termination)
    @Outcome(id = "TERMINATED", expect = ACCEPTABLE, desc = "woken")
    @Outcome(id = "STALE", expect = FORBIDDEN, desc = "waits for ever")
    @State
    public static class Join {
        private final JoinableQueue<Integer> queue = JoinableQueue.fifo(4);

        /** One element. */
        public Join() {
            queue.add(1);
        }

        /** Waits. */
        @Actor
        public void join() throws InterruptedException {
            queue.join();
        }

        /** Deals with it. */
        @Signal
        public void done() {
            queue.remove();
            queue.taskDone();
        }
    }

    /** Whoever waits for an element is sent home. */
    @JCStressTest(Mode.Termination)
    @Outcome(id = "TERMINATED", expect = ACCEPTABLE, desc = "woken")
    @Outcome(id = "STALE", expect = FORBIDDEN, desc = "waits for ever")
    @State
    public static class TakeUntilShutdown {
        private final JoinableQueue<Integer> queue = JoinableQueue.fifo(4);

        /** Waits. */
        @Actor
        public void take() throws InterruptedException {
            try {
                queue.take();
            } catch (QueueClosedException e) {
                // as it should be
            }
        }

        /** Sends home. */
        @Signal
        public void shutdown() {
            queue.shutdown();
        }
    }
}
