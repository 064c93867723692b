package dev.sennit;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Mode;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.Signal;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.IZ_Result;

/** What two threads can see of an {@link Event}. */
public final class EventStress {
    private EventStress() {}

    /** Whoever finds it set sees what was done before. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "not set yet")
    @Outcome(id = "0, 7", expect = ACCEPTABLE, desc = "not set yet, but seen by chance")
    @Outcome(id = "1, 7", expect = ACCEPTABLE, desc = "set and seen")
    @Outcome(expect = FORBIDDEN, desc = "set, but what was done before is not seen")
    @State
    public static class Publication {
        private final Event event = new Event();
        private int written;

        /** Sets it. */
        @Actor
        public void set() {
            written = 7;
            event.set();
        }

        /** Looks. */
        @Actor
        public void look(II_Result r) {
            r.r1 = event.isSet() ? 1 : 0;
            r.r2 = written;
        }
    }

    /** An event that is set is set again, while somebody clears it to look for work: nothing is overlooked. */
    @JCStressTest
    @Outcome(id = "7, false", expect = ACCEPTABLE, desc = "set, then cleared, and the work seen")
    @Outcome(id = "7, true", expect = ACCEPTABLE, desc = "seen, and it will be looked for again")
    @Outcome(id = "0, true", expect = ACCEPTABLE, desc = "cleared first: it will be looked for again")
    @Outcome(id = "0, false", expect = FORBIDDEN, desc = "the work is overlooked for good")
    @State
    public static class SetAgainstClear {
        private final Event event = new Event();
        private int work;

        /** It is set before. */
        public SetAgainstClear() {
            event.set();
        }

        /** Brings work. */
        @Actor
        public void bring() {
            work = 7;
            event.set();
        }

        /** Looks for work. */
        @Actor
        public void look(IZ_Result r) {
            event.clear();
            r.r1 = work;
        }

        /** Whether somebody would look again. */
        @Arbiter
        public void after(IZ_Result r) {
            r.r2 = event.isSet();
        }
    }

    /** A wait ends. */
    @JCStressTest(Mode.Termination)
    @Outcome(id = "TERMINATED", expect = ACCEPTABLE, desc = "woken")
    @Outcome(id = "STALE", expect = FORBIDDEN, desc = "waits for ever")
    @State
    public static class Wait {
        private final Event event = new Event();

        /** Waits. */
        @Actor
        public void await() throws InterruptedException {
            event.await();
        }

        /** Sets it, and clears it at once: whoever waited gets through. */
        @Signal
        public void set() {
            event.set();
        }
    }
}
