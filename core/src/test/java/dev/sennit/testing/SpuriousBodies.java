package dev.sennit.testing;

import java.util.Date;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/** Code that a wait which ends without a reason breaks, as it does not look again; and the same code mended. */
@SuppressWarnings("WaitNotInLoop") // that is what is wrong
final class SpuriousBodies {
    static final List<Class<? extends ScheduleExplorer.Body>> BROKEN = List.of(WaitOnce.class, WaitForATimeOnce.class,
            ParkOnce.class);
    static final List<Class<? extends ScheduleExplorer.Body>> MENDED = List.of(WaitInALoop.class, ParkInALoop.class);

    /** These look at the clock, so they need the agent. */
    static final List<Class<? extends ScheduleExplorer.Body>> BROKEN_BY_CLOCK = List.of(AwaitOnce.class,
            AwaitForATimeOnce.class, AwaitNanosOnce.class, AwaitUntilOnce.class, AwaitUninterruptiblyOnce.class);

    private SpuriousBodies() {}

    /** One thread waits for what the other gives. */
    abstract static class Handed implements ScheduleExplorer.Body {
        final AtomicBoolean given = new AtomicBoolean();

        /** On an object of its own: a schedule that fails leaves its threads in the middle. */
        @Override
        public void run() throws ReflectiveOperationException, InterruptedException {
            ((Handed) getClass().getDeclaredConstructor().newInstance()).hand();
        }

        private void hand() throws InterruptedException {
            Thread taker = Together.begin(() -> {
                take();
                Together.check(given.get(), "given");
            });
            Together.together(() -> give(taker));
            taker.join();
        }

        abstract void take() throws Exception;

        abstract void give(Thread taker) throws Exception;
    }

    abstract static class OnMonitor extends Handed {
        @Override
        synchronized void give(Thread taker) {
            given.set(true);
            notifyAll();
        }
    }

    static class WaitOnce extends OnMonitor {
        @Override
        synchronized void take() throws InterruptedException {
            if (!given.get()) {
                wait();
            }
        }
    }

    static class WaitInALoop extends OnMonitor {
        @Override
        synchronized void take() throws InterruptedException {
            while (!given.get()) {
                wait();
            }
        }
    }

    static class WaitForATimeOnce extends OnMonitor {
        @Override
        synchronized void take() throws InterruptedException {
            if (!given.get()) {
                wait(TimeUnit.DAYS.toMillis(1000)); // it is not that long, by far
            }
        }
    }

    abstract static class Parked extends Handed {
        @Override
        void give(Thread taker) {
            given.set(true);
            LockSupport.unpark(taker);
        }
    }

    static class ParkOnce extends Parked {
        @Override
        void take() {
            LockSupport.park();
        }
    }

    static class ParkInALoop extends Parked {
        @Override
        void take() {
            while (!given.get()) {
                LockSupport.park(this);
            }
        }
    }

    abstract static class OnCondition extends Handed {
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition condition = lock.newCondition();

        @Override
        void give(Thread taker) {
            lock.lock();
            try {
                given.set(true);
                condition.signalAll();
            } finally {
                lock.unlock();
            }
        }

        @Override
        void take() throws InterruptedException {
            lock.lock();
            try {
                take(condition);
                Together.check(lock.isHeldByCurrentThread(), "it has its lock again");
            } finally {
                lock.unlock();
            }
        }

        abstract void take(Condition given) throws InterruptedException;
    }

    static class AwaitOnce extends OnCondition {
        @Override
        void take(Condition condition) throws InterruptedException {
            if (!given.get()) {
                condition.await();
            }
        }
    }

    static class AwaitForATimeOnce extends OnCondition {
        @Override
        void take(Condition condition) throws InterruptedException {
            if (!given.get()) {
                Together.check(condition.await(1, TimeUnit.HOURS), "no time is over");
            }
        }
    }

    static class AwaitNanosOnce extends OnCondition {
        @Override
        void take(Condition condition) throws InterruptedException {
            if (!given.get()) {
                Together.check(condition.awaitNanos(TimeUnit.HOURS.toNanos(1)) > 0, "time is left");
            }
        }
    }

    static class AwaitUntilOnce extends OnCondition {
        @Override
        void take(Condition condition) throws InterruptedException {
            if (!given.get()) {
                condition.awaitUntil(new Date(Long.MAX_VALUE));
            }
        }
    }

    static class AwaitUninterruptiblyOnce extends OnCondition {
        @Override
        void take(Condition condition) {
            if (!given.get()) {
                Thread.currentThread().interrupt();
                condition.awaitUninterruptibly();
                Together.check(Thread.interrupted(), "the interrupt is told afterwards");
            }
        }
    }

    static class AwaitInALoop extends OnCondition {
        @Override
        void take(Condition condition) throws InterruptedException {
            while (!given.get()) {
                condition.await();
            }
        }
    }

    /** No time is left, so the wait has one reason only. */
    static class AwaitUntilThePast extends OnCondition {
        @Override
        void take(Condition condition) throws InterruptedException {
            if (!given.get()) {
                Together.check(!condition.awaitUntil(new Date(0)), "the time is over");
            }
            while (!given.get()) {
                condition.await();
            }
        }
    }

    /** Says of each body, and of each strategy that wakes threads for no reason, what the explorer finds. */
    public static final class Program {
        public static void main(String[] arguments) throws ReflectiveOperationException {
            for (Strategy strategy : List.of(Strategy.RANDOM, Strategy.SPURIOUS, Strategy.POS, Strategy.PORTFOLIO)) {
                BROKEN_BY_CLOCK.forEach(each -> say(strategy, each));
                BROKEN.forEach(each -> say(strategy, each));
                MENDED.forEach(each -> say(strategy, each));
                say(strategy, AwaitInALoop.class);
                say(strategy, AwaitUntilThePast.class);
            }
        }

        private static void say(Strategy strategy, Class<? extends ScheduleExplorer.Body> type) {
            String found;
            try {
                var body = type.getDeclaredConstructor().newInstance();
                found = ScheduleExplorer.of(3000).strategy(strategy).explore(body).repeatable()
                        ? "nothing"
                        : "NO REPLAY";
            } catch (ScheduleFailure failure) {
                found = failure.kind() + " " + failure.getCause().getMessage() + " "
                        + (failure.isRepeatable() ? "" : "NO REPLAY");
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
            System.out.println(strategy + " " + type.getSimpleName() + ": " + found.strip());
        }
    }
}
