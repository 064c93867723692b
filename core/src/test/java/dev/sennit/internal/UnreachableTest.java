package dev.sennit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.FailingBackend;
import dev.sennit.conformance.internal.Conditions;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

@SuppressWarnings("try") // a backend is in use by being open
class UnreachableTest {
    private final Unreachable objects = new Unreachable("unreachable-test");
    private final AtomicInteger done = new AtomicInteger();

    /** A cleaner in a static field would make its class unusable for ever. */
    @Test
    void theLackOfAThreadPasses() {
        try (var _ = FailingBackend.withoutThreads(thread -> thread.getName().equals("unreachable-test"))) {
            assertThatThrownBy(() -> objects.register(new Object(), done::incrementAndGet))
                    .isInstanceOf(FailingBackend.NoThread.class);
        }
        objects.register(new Object(), done::incrementAndGet);
        Conditions.await("the object is collected").until(() -> {
            System.gc();
            return done.get() == 1;
        });
    }

    @Test
    void whatIsDoneByHandIsDoneOnce() {
        var object = new Object();
        var handle = objects.register(object, done::incrementAndGet);
        handle.clean();
        handle.clean();
        assertThat(done).hasValue(1);
    }
}
