package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class WorkerWatchTest {
    /** Cannot even be shown. */
    private static final class MuteException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        @Override
        public String toString() {
            throw new AssertionError("meant");
        }
    }

    private static final List<Throwable> THROWN = List.of(
            new IllegalStateException("meant"),
            new OutOfMemoryError("meant"),
            new StackOverflowError("meant"),
            new NullPointerException("meant"),
            new AssertionError("meant"),
            new MuteException(),
            new Exception("meant"));

    @SuppressWarnings("unchecked") // that is the point
    private static <E extends Throwable> void throwAnything(Throwable anything) throws E {
        throw (E) anything;
    }

    private static void run(CountDownLatch closing, java.util.function.Supplier<List<WorkerWatch.Look>> looks) {
        var settings = ProcessPool.builder().maxAge(Duration.ofMillis(1)); // as often as it can
        new WorkerWatch("tested", settings.policy(), closing, looks).run(); // here, until it is over
    }

    @Test
    void whateverALookThrowsCostsNeitherTheOthersNorTheNext() {
        var closing = new CountDownLatch(1);
        var before = new AtomicInteger();
        var after = new AtomicInteger();
        run(closing, () -> List.of(
                () -> before.incrementAndGet(),
                () -> {
                    WorkerWatchTest.<RuntimeException>throwAnything(THROWN.get(after.get()));
                    return 0;
                },
                () -> {
                    if (after.incrementAndGet() == THROWN.size()) {
                        closing.countDown();
                    }
                    return 0;
                }));
        assertThat(before).hasValue(THROWN.size());
        assertThat(after).hasValue(THROWN.size());
    }

    @Test
    void thatNothingCanBeLookedAtIsTriedAgain() {
        var closing = new CountDownLatch(1);
        var tried = new ArrayList<Throwable>();
        run(closing, () -> {
            Throwable next = THROWN.get(tried.size());
            tried.add(next);
            if (tried.size() == THROWN.size()) {
                closing.countDown();
            }
            WorkerWatchTest.<RuntimeException>throwAnything(next);
            return List.of();
        });
        assertThat(tried).isEqualTo(THROWN);
    }
}
