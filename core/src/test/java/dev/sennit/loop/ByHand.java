package dev.sennit.loop;

import dev.sennit.internal.OwnScheduler;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;

/** Coroutines of which none runs by itself, for schedules that a test chooses. */
final class ByHand extends OwnScheduler {
    private final Queue<Runnable> ready = new ArrayDeque<>();
    private final Queue<Runnable> sleeping = new ArrayDeque<>();

    @Override
    public void execute(Runnable continuation) {
        ready.add(continuation);
    }

    @Override
    public Timeout schedule(Runnable timeout, long delay, TimeUnit unit) {
        sleeping.add(timeout);
        return new Timeout();
    }

    /** A coroutine that has run until its first wait. */
    Thread parked(Runnable body) {
        Thread thread = threads().start(body);
        runAll();
        return thread;
    }

    void runAll() {
        for (Runnable next = ready.poll(); next != null; next = ready.poll()) {
            next.run();
        }
    }

    /** Ends the first timed wait, without running anybody. */
    void timeIsOver() {
        sleeping.remove().run();
    }
}
