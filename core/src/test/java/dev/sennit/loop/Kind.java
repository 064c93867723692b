package dev.sennit.loop;

import dev.sennit.internal.OwnScheduler;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/** The kinds of threads that have to behave the same. */
enum Kind {
    PLATFORM(Thread.ofPlatform().daemon().factory()),
    VIRTUAL(Thread.ofVirtual().factory()),
    COROUTINE(new OneThread().threads().factory());

    final ThreadFactory threads;

    Kind(ThreadFactory threads) {
        this.threads = threads;
    }

    /** Runs all of its virtual threads on one platform thread. */
    private static final class OneThread extends OwnScheduler {
        private final LinkedBlockingQueue<Runnable> ready = new LinkedBlockingQueue<>();

        OneThread() {
            Thread.ofPlatform().daemon().name("loop").start(() -> {
                try {
                    while (true) {
                        ready.take().run();
                    }
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
        }

        @Override
        public void execute(Runnable continuation) {
            ready.add(continuation);
        }

        @Override
        public Timeout schedule(Runnable timeout, long delay, TimeUnit unit) {
            var due = new Timeout();
            dev.sennit.internal.Timers.after(java.time.Duration.of(delay, unit.toChronoUnit()), () -> ready.add(() -> {
                if (!due.isCancelled()) {
                    timeout.run();
                }
            }));
            return due;
        }
    }
}
