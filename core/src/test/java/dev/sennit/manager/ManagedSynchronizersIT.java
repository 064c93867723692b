package dev.sennit.manager;

import static java.util.concurrent.TimeUnit.DAYS;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.codec.Effort;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.manager.wire.Wire;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Conditions, semaphores, barriers, namespaces and arrays of a manager, with the server and two clients in one JVM. */
@Timeout(120)
class ManagedSynchronizersIT {
    private final ManagerServer server = ManagerServer.builder().lease(Duration.ofMillis(200)).open();
    private final ManagerClient client = server.client();
    private final ManagerClient other = ManagerClient.connect(server.address());

    @AfterEach
    void close() {
        assertThat(Thread.interrupted()).isFalse();
        other.close();
        server.close();
    }

    // ---- barriers ----

    private static Caller<Integer> coming(ManagedBarrier barrier) {
        int before = barrier.waiting();
        Caller<Integer> caller = Caller.of(() -> barrier.await());
        Conditions.await("it waits").until(() -> barrier.waiting() == before + 1);
        return caller;
    }

    @Test
    void anInterruptThatHasComeBreaksTheBarrier() throws Exception {
        for (Callable<Integer> await : List.<Callable<Integer>>of(
                () -> other.barrier("b", 3).await(), () -> other.barrier("b", 3).await(Duration.ofDays(1)))) {
            ManagedBarrier barrier = client.barrier("b", 3);
            barrier.reset();
            var first = coming(barrier);
            Thread.currentThread().interrupt();
            assertThatThrownBy(await::call).isInstanceOf(InterruptedException.class);
            assertThat(Thread.interrupted()).isFalse();
            assertThat(first.failure()).isInstanceOf(BrokenBarrierException.class);
            assertThat(barrier.isBroken()).isTrue();
        }
    }

    @Test
    void theLastOneWhoIsInterruptedBreaksItToo() throws Exception {
        ManagedBarrier barrier = client.newBarrier(2);
        var first = coming(barrier);
        Thread.currentThread().interrupt();
        assertThatThrownBy(barrier::await).isInstanceOf(InterruptedException.class);
        assertThat(first.failure()).isInstanceOf(BrokenBarrierException.class);
    }

    @Test
    void otherCallsAreInterruptedBeforeTheyHaveAnEffect() throws Exception {
        ManagedQueue<Integer> queue = client.newQueue(2);
        queue.put(1);
        ManagedSemaphore semaphore = client.newSemaphore(1);
        ManagedEvent event = client.newEvent();
        event.set();
        ManagedLock lock = client.newLock();
        for (Callable<?> call : List.<Callable<?>>of(
                queue::take,
                () -> queue.offer(2, 1, DAYS),
                () -> queue.join(Duration.ofDays(1)),
                () -> semaphore.tryAcquire(Duration.ofDays(1)),
                () -> event.await(Duration.ofDays(1)),
                () -> lock.tryLock(1, DAYS))) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(call::call).isInstanceOf(InterruptedException.class);
            assertThat(Thread.interrupted()).isFalse();
        }
        assertThat(queue).containsExactly(1);
        assertThat(semaphore.availablePermits()).isEqualTo(1);
        assertThat(Caller.of(lock::tryLock).result()).isTrue();
    }

    @Test
    void aLostManagerLeavesTheInterrupt() {
        ManagedQueue<Integer> queue = other.newQueue(1);
        other.close();
        Thread.currentThread().interrupt();
        assertThatThrownBy(queue::take).isInstanceOf(ManagerLostException.class);
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void abortBreaksTheBarrierUntilItIsReset() throws Exception {
        ManagedBarrier barrier = client.barrier("b", 3);
        var waiting = List.of(coming(barrier), coming(barrier));
        other.barrier("b", 3).abort();
        for (Caller<Integer> one : waiting) {
            assertThat(one.failure()).isInstanceOf(BrokenBarrierException.class).hasMessageContaining("aborted");
        }
        assertThat(barrier.isBroken()).isTrue();
        assertThat(barrier.waiting()).isZero();
        assertThatThrownBy(barrier::await).isInstanceOf(BrokenBarrierException.class);
        barrier.abort();
        barrier.reset();
        assertThat(barrier.isBroken()).isFalse();
        var first = coming(barrier);
        var second = coming(barrier);
        assertThat(barrier.await()).isZero();
        assertThat(List.of(first.result(), second.result())).containsExactly(2, 1);
    }

    @Test
    void theLastToComeRunsItsActionBeforeAllGoOn() throws Exception {
        var runs = new AtomicInteger();
        var acting = new CountDownLatch(1);
        var end = new CountDownLatch(1);
        ManagedBarrier plain = client.barrier("b", 2);
        ManagedBarrier withAction = other.barrier("b", 2, () -> {
            runs.incrementAndGet();
            acting.countDown();
            awaitUninterruptibly(end);
        });
        var first = coming(plain);
        var last = Caller.of(() -> withAction.await());
        acting.await();
        assertThat(first.isDone()).as("the action is not done").isFalse();
        assertThat(plain.waiting()).isEqualTo(1);
        end.countDown();
        assertThat(first.result()).isEqualTo(1);
        assertThat(last.result()).isZero();
        var again = coming(withAction);
        assertThat(plain.await()).as("has no action").isZero();
        assertThat(again.result()).isEqualTo(1);
        assertThat(runs).hasValue(1);
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void anActionThatFailsBreaksTheBarrier() throws Exception {
        ManagedBarrier barrier = client.newBarrier(2, () -> {
            throw new IllegalStateException("no");
        });
        var first = coming(barrier);
        assertThatThrownBy(barrier::await).isInstanceOf(IllegalStateException.class).hasMessage("no");
        assertThat(first.failure()).isInstanceOf(BrokenBarrierException.class);
        assertThat(barrier.isBroken()).isTrue();
    }

    @Test
    void aClientThatEndsInItsActionBreaksTheBarrier() throws Exception {
        var acting = new CountDownLatch(1);
        var end = new CountDownLatch(1);
        ManagedBarrier barrier = client.barrier("b", 2);
        ManagedBarrier there = other.barrier("b", 2, () -> {
            acting.countDown();
            awaitUninterruptibly(end);
        });
        var first = coming(barrier);
        var last = Caller.of(() -> there.await());
        acting.await();
        other.close();
        assertThat(first.failure()).isInstanceOf(BrokenBarrierException.class);
        end.countDown();
        assertThat(last.failure()).isInstanceOf(ManagerLostException.class);
    }

    @Test
    void whoWaitsWithALimitDoesNotWaitLongerForAnAction() throws Exception {
        var acting = new CountDownLatch(1);
        var end = new CountDownLatch(1);
        ManagedBarrier barrier = client.newBarrier(2, () -> {
            acting.countDown();
            awaitUninterruptibly(end);
        });
        var first = Caller.of(() -> barrier.await(Duration.ofMillis(300)));
        Conditions.await("it waits").until(() -> barrier.waiting() == 1 || first.isDone());
        var last = Caller.of(() -> barrier.await());
        assertThat(first.failure()).isInstanceOf(TimeoutException.class);
        end.countDown();
        assertThat(last.failure()).isInstanceOf(BrokenBarrierException.class);
    }

    @Test
    void anActionTravelsWithItsBarrier() throws Exception {
        try (Pool pool = Pools.open("processes:1")) {
            ManagedValue<Integer> rounds = client.newValue(0);
            ManagedBarrier barrier = client.newBarrier(2, () -> rounds.updateAndGet(before -> before + 1));
            var there = pool.submit(() -> {
                int sum = 0;
                for (int round = 0; round < 3; round++) {
                    sum += barrier.await();
                }
                return sum;
            });
            int sum = 0;
            for (int round = 0; round < 3; round++) {
                sum += barrier.await();
            }
            assertThat(sum + there.get()).isEqualTo(3);
            assertThat(rounds.get()).isEqualTo(3);
        }
    }

    @Test
    void barriersAreUsedAgainAndAgain() throws Exception {
        ManagedBarrier barrier = client.newBarrier(3, () -> {});
        List<Caller<Integer>> callers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            callers.add(Caller.of(() -> {
                int sum = 0;
                for (int round = 0; round < 50; round++) {
                    sum += barrier.await(Duration.ofSeconds(60));
                }
                return sum;
            }));
        }
        int sum = 0;
        for (Caller<Integer> caller : callers) {
            sum += caller.result();
        }
        assertThat(sum).isEqualTo(50 * 3);
        assertThat(barrier.waiting()).isZero();
    }

    // ---- conditions ----

    private static Caller<Boolean> waitingFor(ManagedLock lock, Condition condition, AtomicInteger count) {
        int before = count.get();
        Caller<Boolean> caller = Caller.of(() -> {
            lock.lock();
            try {
                count.incrementAndGet();
                condition.await();
                return true;
            } finally {
                lock.unlock();
            }
        });
        Conditions.await("it waits").until(() -> count.get() > before);
        lock.lock(); // it has given it up
        lock.unlock();
        return caller;
    }

    @Test
    void oneSignalIsForOneAndTheFirstIsFirst() throws Exception {
        ManagedLock lock = client.newLock();
        Condition condition = lock.newCondition();
        var count = new AtomicInteger();
        var first = waitingFor(lock, condition, count);
        var second = waitingFor(lock, condition, count);
        var third = waitingFor(lock, condition, count);
        var elsewhere = waitingFor(lock, lock.newCondition(), count);
        lock.lock();
        condition.signal();
        assertThat(first.isDone()).as("the lock is not free").isFalse();
        lock.unlock();
        assertThat(first.result()).isTrue();
        assertThat(second.isDone()).isFalse();
        lock.lock();
        condition.signalAll();
        lock.unlock();
        assertThat(second.result()).isTrue();
        assertThat(third.result()).isTrue();
        assertThat(elsewhere.isDone()).isFalse();
        elsewhere.interrupt();
        assertThat(elsewhere.failure()).isInstanceOf(InterruptedException.class);
        assertThat(lock.tryLock()).as("it let go").isTrue();
    }

    @Test
    void aConditionIsFoundByNameAndKeepsTheHoldsOfAReentrantLock() throws Exception {
        ManagedLock here = client.lock("l");
        ManagedLock there = other.lock("l");
        var count = new AtomicInteger();
        var waiter = Caller.of(() -> {
            there.lock();
            there.lock();
            count.incrementAndGet();
            there.condition("changed").await();
            there.unlock();
            boolean stillHeld = !Caller.of(() -> here.tryLock()).result();
            there.unlock();
            return stillHeld;
        });
        Conditions.await("it waits").until(() -> count.get() == 1);
        here.lock();
        here.condition("changed").signal();
        here.unlock();
        assertThat(waiter.result()).isTrue();
        assertThat(here.condition("changed")).isEqualTo(here.condition("changed"))
                .isNotEqualTo(here.condition("other"));
        assertThat(here.newCondition()).isNotEqualTo(here.newCondition());
        assertThat(here).isEqualTo(client.lock("l")).hasSameHashCodeAs(client.lock("l")).isNotEqualTo(client.newLock());
    }

    @Test
    void timesAreOverWithTheLockHeld() throws Exception {
        ManagedLock lock = client.newLock();
        Condition condition = lock.newCondition();
        lock.lock();
        assertThat(condition.await(1, MILLISECONDS)).isFalse();
        assertThat(condition.await(Long.MIN_VALUE, DAYS)).isFalse();
        assertThat(condition.awaitNanos(1000)).isLessThanOrEqualTo(0);
        assertThat(condition.awaitNanos(Long.MIN_VALUE)).isLessThanOrEqualTo(0);
        assertThat(condition.awaitUntil(new Date(Long.MIN_VALUE))).isFalse();
        assertThat(condition.awaitUntil(new Date())).isFalse();
        var locker = Caller.of(() -> lock.tryLock());
        assertThat(locker.result()).as("this thread still has it").isFalse();
        lock.unlock();
    }

    @Test
    void timesThatAreLongAreWaitedFor() throws Exception {
        ManagedLock lock = client.newLock();
        Condition condition = lock.newCondition();
        for (Callable<Object> wait : List.<Callable<Object>>of(
                () -> condition.await(Long.MAX_VALUE, DAYS),
                () -> condition.awaitNanos(Long.MAX_VALUE) > 0,
                () -> condition.awaitUntil(new Date(Long.MAX_VALUE)))) {
            var waits = new CountDownLatch(1);
            var waiter = Caller.of(() -> {
                lock.lock();
                try {
                    waits.countDown();
                    return wait.call();
                } finally {
                    lock.unlock();
                }
            });
            waits.await();
            lock.lock();
            condition.signal();
            lock.unlock();
            assertThat(waiter.result()).isEqualTo(true);
        }
    }

    @Test
    void onlyTheOwnerWaitsAndSignals() {
        ManagedLock lock = client.newLock();
        Condition condition = lock.newCondition();
        assertThatThrownBy(condition::await).isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(() -> condition.awaitNanos(1)).isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(condition::signal).isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(condition::signalAll).isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(() -> lock.condition(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> condition.await(1, null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> condition.awaitUntil(null)).isInstanceOf(NullPointerException.class);
    }

    @Test
    void anInterruptThatHasComeEndsTheWaitWithTheLockHeld() throws Exception {
        ManagedLock lock = client.newLock();
        Condition condition = lock.newCondition();
        lock.lock();
        Thread.currentThread().interrupt();
        assertThatThrownBy(condition::await).isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
        assertThat(Caller.of(() -> lock.tryLock()).result()).isFalse();
        lock.unlock();
    }

    @Test
    void anUninterruptibleWaitKeepsTheInterrupt() throws Exception {
        ManagedLock lock = client.newLock();
        Condition condition = lock.newCondition();
        var waits = new CountDownLatch(1);
        var waiter = Caller.of(() -> {
            lock.lock();
            waits.countDown();
            condition.awaitUninterruptibly();
            lock.unlock();
            return Thread.interrupted();
        });
        waits.await();
        lock.lock();
        waiter.interrupt();
        lock.unlock();
        waiter.awaitWaitingIn("awaitUninterruptibly");
        lock.lock();
        condition.signalAll();
        lock.unlock();
        assertThat(waiter.result()).isTrue();
    }

    /** Nothing comes, and nothing can be sent. */
    private static final class NoWire implements Wire {
        @Override
        public int read(ByteBuffer target) {
            return -1;
        }

        @Override
        public void send(ByteBuffer bytes, Runnable ifUnsent) {}

        @Override
        public void close() {}
    }

    private static Object call(ManagerSession session, ScopedValue.CallableOp<Object, Throwable> body)
            throws Exception {
        try {
            return new ServerCall(session, 1, new Effort(1_000, () -> false)).run(body);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** The end of a client has noted what it owns; then its wait for a condition lets go of the lock. */
    @Test
    void aClientThatEndsWhileItsWaitBeginsTakesTheLockFromNobody() throws Exception {
        var hosted = new HostedLock();
        var ending = new ManagerSession(server, new NoWire(), "ending");
        var next = new ManagerSession(server, new NoWire(), "next");
        assertThat(call(next, hosted::tryLock)).isEqualTo(true);
        hosted.abandonedBy(ending);
        assertThat(call(ending, hosted::tryLock)).isEqualTo(false);
        assertThat(call(next, hosted::isAbandoned)).isEqualTo(false);
        hosted.abandonedBy(next);
        assertThat(call(ending, hosted::tryLock)).isEqualTo(true);
        assertThat(call(ending, hosted::isAbandoned)).isEqualTo(true);
    }

    @Test
    void aSignalForAClientThatEndsGoesToTheNext() throws Exception {
        ManagedLock lock = client.lock("l");
        Condition condition = lock.condition("c");
        var count = new AtomicInteger();
        var gone = Caller.of(() -> {
            ManagedLock same = other.lock("l");
            same.lock();
            count.incrementAndGet();
            same.condition("c").await();
            return true;
        });
        Conditions.await("it waits").until(() -> count.get() == 1);
        lock.lock(); // it has given it up
        lock.unlock();
        var next = waitingFor(lock, condition, count);
        lock.lock();
        condition.signal(); // for the one that is about to go, and cannot have the lock
        other.close();
        Conditions.await("it is gone").until(() -> server.clients() == 1);
        lock.unlock();
        assertThat(next.result()).isTrue();
        assertThat(gone.failure()).isInstanceOf(ManagerLostException.class);
        assertThat(lock.tryLock()).isTrue();
    }

    @Test
    void aBoundedBufferOverTwoConditionsLosesNothing() throws Exception {
        ManagedLock lock = client.lock("buffer");
        List<Integer> buffer = client.list("content");
        List<Caller<Integer>> callers = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            boolean puts = t % 2 == 0;
            ManagerClient mine = t < 2 ? client : other;
            callers.add(Caller.of(() -> {
                ManagedLock same = mine.lock("buffer");
                List<Integer> content = mine.list("content");
                Condition notFull = same.condition("not full");
                Condition notEmpty = same.condition("not empty");
                int sum = 0;
                for (int i = 1; i <= 50; i++) {
                    same.lock();
                    try {
                        if (puts) {
                            while (content.size() == 2) {
                                notFull.await();
                            }
                            content.add(i);
                            notEmpty.signal();
                        } else {
                            while (content.isEmpty()) {
                                notEmpty.await();
                            }
                            sum += content.removeFirst();
                            notFull.signal();
                        }
                    } finally {
                        same.unlock();
                    }
                }
                return sum;
            }));
        }
        int sum = 0;
        for (Caller<Integer> caller : callers) {
            sum += caller.result();
        }
        assertThat(sum).isEqualTo(2 * 50 * 51 / 2);
        assertThat(buffer).isEmpty();
        assertThat(lock.tryLock()).isTrue();
    }

    // ---- semaphores ----

    @Test
    void aPermitMayBeGivenByWhoeverHasNone() throws Exception {
        ManagedSemaphore ready = client.semaphore("ready", 0);
        assertThat(ready.availablePermits()).isZero();
        assertThat(ready.tryAcquire()).isFalse();
        assertThat(ready.tryAcquire(Duration.ofNanos(Long.MIN_VALUE))).isFalse();
        var waiter = Caller.of(() -> {
            ready.acquire();
            return true;
        });
        waiter.awaitWaitingIn("acquire");
        other.semaphore("ready", 7).release();
        assertThat(waiter.result()).isTrue();
        other.semaphore("ready", 7).release(3);
        assertThat(ready.availablePermits()).isEqualTo(3);
        assertThatThrownBy(() -> ready.release(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ready.release(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ready.release(Integer.MAX_VALUE)).isInstanceOf(IllegalStateException.class);
        assertThat(ready.availablePermits()).isEqualTo(3);
    }

    @Test
    void whatAClientTookThatEndsStaysTaken() throws Exception {
        ManagedSemaphore items = client.semaphore("items", 2);
        other.semaphore("items", 2).acquire();
        var waiter = Caller.of(() -> {
            ManagedSemaphore same = other.semaphore("items", 2);
            same.acquire();
            same.acquire();
            return true;
        });
        waiter.awaitWaitingIn("acquire");
        Conditions.await("both are taken").until(() -> items.availablePermits() == 0);
        other.close();
        assertThat(waiter.failure()).isInstanceOf(ManagerLostException.class);
        Conditions.await("it is gone").until(() -> server.clients() == 1);
        assertThat(items.availablePermits()).isZero();
        items.release();
        Conditions.await("nobody waits for it any more").until(items::tryAcquire);
    }

    // ---- namespaces, arrays, values ----

    @Test
    void aNamespaceHasNamesWithValues() {
        ManagedNamespace settings = client.namespace("settings");
        ManagedNamespace there = other.namespace("settings");
        settings.set("limit", 10);
        settings.set("name", null);
        assertThat(there.get("limit")).isEqualTo(10);
        int limit = there.get("limit", Integer.class);
        assertThat(limit).isEqualTo(10);
        assertThat(there.has("name")).isTrue();
        assertThat(there.get("name")).isNull();
        assertThat(there.get("name", String.class)).isNull();
        assertThat(there.has("colour")).isFalse();
        assertThatThrownBy(() -> there.get("colour"))
                .isInstanceOf(NoSuchElementException.class)
                .hasMessage("the namespace has no \"colour\"");
        assertThatThrownBy(() -> there.get("limit", String.class))
                .isInstanceOf(ClassCastException.class)
                .hasMessage("\"limit\" is a java.lang.Integer, not a java.lang.String");
        assertThat(there.delete("name")).isTrue();
        assertThat(there.delete("name")).isFalse();
        assertThat(settings.toMap()).isEqualTo(Map.of("limit", 10));
        assertThat(client.newNamespace().toMap()).isEmpty();
        assertThatThrownBy(() -> settings.set(null, 1)).isInstanceOf(NullPointerException.class);
    }

    @Test
    void anArrayHasAFixedNumberOfValues() throws Exception {
        ManagedArray<Integer> array = client.array("a", List.of(1, 2, 3));
        ManagedArray<Integer> there = other.array("a", List.of(9));
        assertThat(there.length()).isEqualTo(3);
        there.set(1, null);
        assertThat(array.toList()).containsExactly(1, null, 3);
        assertThat(array.getAndSet(1, 7)).isNull();
        assertThat(array.compareAndSet(1, 8, 9)).isFalse();
        assertThat(array.compareAndSet(1, 7, 8)).isTrue();
        assertThatThrownBy(() -> array.get(3)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> array.set(-1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> array.setAll(List.of(1))).hasMessage("values must be 3, were 1");
        array.setAll(Arrays.asList(0, null, 0));
        assertThat(there.toList()).containsExactly(0, null, 0);
        List<Caller<Boolean>> callers = new ArrayList<>();
        for (ManagedArray<Integer> each : List.of(array, there)) {
            callers.add(Caller.of(() -> {
                for (int i = 0; i < 100; i++) {
                    each.updateAndGet(2, before -> before + 1);
                }
                return true;
            }));
        }
        for (Caller<Boolean> caller : callers) {
            assertThat(caller.result()).isTrue();
        }
        assertThat(array.get(2)).isEqualTo(200);
        assertThat(client.<String>newArray(List.of("x")).get(0)).isEqualTo("x");
        assertThat(client.newArray(List.of()).length()).isZero();
    }

    @Test
    void aValueHasAnInitialOneForTheFirstThatAsks() {
        assertThat(client.value("count", 5).get()).isEqualTo(5);
        assertThat(other.<Integer>value("count", 7).get()).isEqualTo(5);
        assertThat(client.newValue("x").get()).isEqualTo("x");
        assertThat(client.<String>newValue().get()).isNull();
        assertThat(client.value("empty").get()).isNull();
    }

    @Test
    void timesThatAreOverAreNotWaitedFor() throws Exception {
        assertThat(client.newLock().tryLock(Long.MIN_VALUE, NANOSECONDS)).as("it is free").isTrue();
        assertThat(client.newEvent().await(Duration.ofSeconds(Long.MIN_VALUE))).isFalse();
        ManagedBarrier barrier = client.newBarrier(2);
        assertThatThrownBy(() -> barrier.await(Duration.ofSeconds(Long.MIN_VALUE)))
                .isInstanceOf(TimeoutException.class);
        assertThat(barrier.isBroken()).isTrue();
    }
}
