package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.internal.Wait;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class FairLockTest {
    @Test
    void tellsWhoHoldsIt() throws Exception {
        var lock = new FairLock();
        var release = new CountDownLatch(1);
        assertThat(lock).hasToString("FairLock[free]");
        assertThat(lock.tryLock()).isTrue();
        assertThat(lock.tryLock()).isFalse();
        Caller<?> next = Caller.of(() -> {
            boolean mine = lock.lock(Wait.FOREVER);
            release.await();
            lock.unlock();
            return mine;
        });
        next.awaitWaitingIn("lock");
        assertThat(lock).hasToString("FairLock[held by " + Thread.currentThread().getName() + ", 1 wait]");
        lock.unlock();
        assertThat(lock).hasToString("FairLock[held by caller, 0 wait]");
        release.countDown();
        assertThat(next.result()).isEqualTo(true);
        assertThat(lock).hasToString("FairLock[free]");
        assertThat(lock.lock(0)).isTrue();
        assertThat(lock).hasToString("FairLock[held by " + Thread.currentThread().getName() + ", 0 wait]");
    }
}
