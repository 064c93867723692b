package dev.sennit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class OwnSchedulerTest {
    /** Runs nothing by itself. */
    private static final class ByHand extends OwnScheduler {
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

        void runAll() {
            for (Runnable next = ready.poll(); next != null; next = ready.poll()) {
                next.run();
            }
        }
    }

    @Test
    void isAvailableInTheseTestsSoThatNoneOfThemIsSkippedUnseen() {
        assertThat(OwnScheduler.whyNotAvailable()).isNull();
        assertThat(OwnScheduler.isAvailable()).isTrue();
    }

    @Test
    void runsItsVirtualThreadsWhenItLikes() {
        var scheduler = new ByHand();
        List<String> said = new ArrayList<>();
        Thread one = scheduler.threads().name("one").start(() -> said.add(Thread.currentThread().getName()));
        said.add("before");

        scheduler.runAll();

        assertThat(said).containsExactly("before", "one");
        assertThat(one.isAlive()).isFalse();
    }

    @Test
    void carriesThemOnTheThreadThatRunsThem() {
        var scheduler = new ByHand();
        List<Thread> carriers = new ArrayList<>();
        scheduler.threads().start(() -> carriers.add(OwnScheduler.currentCarrier()));

        scheduler.runAll();

        assertThat(carriers).containsExactly(Thread.currentThread());
        assertThat(OwnScheduler.currentCarrier()).isSameAs(Thread.currentThread());
    }

    @Test
    void endsTimedWaitsWhenItLikes() {
        var scheduler = new ByHand();
        List<String> said = new ArrayList<>();
        scheduler.threads().start(() -> {
            LockSupport.parkNanos(TimeUnit.DAYS.toNanos(1));
            said.add("a day later");
        });
        scheduler.runAll();
        assertThat(said).isEmpty();

        scheduler.sleeping.remove().run();
        scheduler.runAll();

        assertThat(said).containsExactly("a day later");
    }

    @Test
    void knowsWhoseContinuationItIs() {
        var scheduler = new ByHand();
        Thread one = scheduler.threads().start(() -> {});
        Thread other = scheduler.threads().start(() -> {});

        assertThat(scheduler.ready).extracting(OwnScheduler::threadOf).containsExactly(one, other);
        scheduler.runAll();
    }

    @Test
    void hasTheThreadsThatItsThreadsStart() {
        var scheduler = new ByHand();
        List<String> said = new ArrayList<>();
        scheduler.threads().start(() -> {
            Thread.startVirtualThread(() -> said.add("child"));
            Thread.yield();
            said.add("parent");
        });

        scheduler.runAll();

        assertThat(said).containsExactly("child", "parent");
    }
}
