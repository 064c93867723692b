package dev.sennit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class InterruptsTest {
    private static Thread self() {
        return Thread.currentThread();
    }

    @AfterEach
    void nothingIsLeft() {
        assertThat(Thread.interrupted()).isFalse();
        assertThat(Interrupts.depth()).isZero();
    }

    @Test
    void anInterruptForWhatRunsNowComesNow() {
        Interrupts.interrupt(self(), 0);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(Interrupts.holdBack()).isOne();
        Interrupts.interrupt(self(), 1);
        assertThat(Thread.interrupted()).isTrue();
        Interrupts.letThrough();
    }

    @Test
    void oneForWhatIsAroundComesWhenThatGoesOn() {
        assertThat(Interrupts.holdBack()).isOne();
        assertThat(Interrupts.holdBack()).isEqualTo(2);
        Interrupts.interrupt(self(), 0);
        Interrupts.interrupt(self(), 1);
        assertThat(Thread.interrupted()).isFalse();
        Interrupts.letThrough();
        assertThat(Thread.interrupted()).as("for depth 1").isTrue();
        Interrupts.letThrough();
        assertThat(Thread.interrupted()).as("for depth 0").isTrue();
    }

    @Test
    void oneThatHasComeIsHeldBackForWhatItWasMeantFor() {
        self().interrupt();
        Interrupts.holdBack();
        assertThat(Thread.interrupted()).isFalse();
        Interrupts.letThrough();
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void oneThatNobodyWantsIsClearedUnlessItWasSentFromHere() {
        self().interrupt();
        Interrupts.holdBack(true);
        assertThat(Thread.interrupted()).isFalse();
        Interrupts.letThrough();
        assertThat(Thread.interrupted()).isFalse();

        Interrupts.watch();
        Interrupts.interrupt(self(), 0);
        Interrupts.holdBack(true);
        assertThat(Thread.interrupted()).isFalse();
        Interrupts.letThrough();
        assertThat(Thread.interrupted()).isTrue();
        Interrupts.unwatch(false);
    }

    @Test
    void oneThatComesTooLateIsNotHeldBack() {
        Interrupts.holdBack();
        Interrupts.interrupt(self(), 0, () -> false, () -> {
            throw new AssertionError("not to be delivered");
        });
        Interrupts.letThrough();
        assertThat(Thread.interrupted()).isFalse();
    }

    @Test
    void whatWasNotSentFromHereIsClearedAndWhatWasIsNot() {
        Interrupts.watch();
        self().interrupt();
        Interrupts.unwatch(true);
        assertThat(Thread.interrupted()).isFalse();

        Interrupts.watch();
        self().interrupt();
        Interrupts.interrupt(self(), 0);
        Interrupts.unwatch(true);
        assertThat(Thread.interrupted()).isTrue();

        Interrupts.watch();
        self().interrupt();
        Interrupts.unwatch(false);
        assertThat(Thread.interrupted()).as("nothing is cleared").isTrue();
    }

    @Test
    void oneThatCameBeforeTheFirstWatchIsNotRemembered() {
        Interrupts.interrupt(self(), 0);
        assertThat(Thread.interrupted()).isTrue();
        Interrupts.watch();
        Interrupts.unwatch(true);
        assertThat(Thread.interrupted()).isFalse();
    }

    /** A thread whose interrupts take a lock that its interrupter holds, as that of a worker process does. */
    @Test
    void aThreadMayTakeALockWhenItIsInterrupted() throws Exception {
        var lock = new Object();
        var entered = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        var thread = new Thread("locking") {
            @Override
            public void interrupt() {
                synchronized (lock) {
                    super.interrupt();
                }
            }

            @Override
            public void run() {
                Interrupts.holdBack();
                entered.countDown();
                while (go.getCount() > 0) {
                    Thread.onSpinWait();
                }
                Interrupts.letThrough();
            }
        };
        thread.setDaemon(true);
        thread.start();
        entered.await();
        Interrupts.interrupt(thread, 0);
        synchronized (lock) {
            go.countDown(); // it leaves its block, and has to wait for the lock
            while (thread.getState() != Thread.State.BLOCKED) {
                Thread.onSpinWait();
            }
            Interrupts.interrupt(thread, 1, () -> true, () -> {}); // does not wait for it
        }
        thread.join();
    }
}
