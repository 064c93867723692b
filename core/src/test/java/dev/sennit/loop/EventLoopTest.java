package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;

/** What only the loop's own scheduler can: code that knows nothing of coroutines. */
class EventLoopTest extends EventLoopContract {
    @Override
    EventLoop.Mechanism mechanism() {
        return EventLoop.Mechanism.SCHEDULER;
    }

    @Test
    void ordinaryWaitsSuspendOnlyTheCoroutine() throws Exception {
        List<String> order = new ArrayList<>();
        var queue = new ArrayBlockingQueue<String>(1);
        var lock = new ReentrantLock();
        var monitor = new Object();
        var latch = new CountDownLatch(1);
        var future = new CompletableFuture<String>();
        try (EventLoop loop = open()) {
            loop.submit(() -> {
                lock.lock();
                TaskFuture<?> locks = loop.submit(() -> {
                    lock.lock();
                    order.add("lock");
                    lock.unlock();
                });
                TaskFuture<?> takes = loop.submit(() -> order.add(queue.take()));
                TaskFuture<?> gets = loop.submit(() -> order.add(future.get()));
                TaskFuture<?> counts = loop.submit(() -> {
                    latch.await();
                    return order.add("latch");
                });
                TaskFuture<?> isNotified = loop.submit(() -> {
                    synchronized (monitor) {
                        monitor.wait();
                    }
                    return order.add("monitor");
                });
                TaskFuture<?> sleeps = loop.submit(() -> {
                    Thread.sleep(1);
                    return order.add("sleep");
                });
                sleeps.get(); // all others had their turn before it
                order.add("all wait");
                lock.unlock();
                locks.get();
                queue.put("queue");
                takes.get();
                future.complete("future");
                gets.get();
                latch.countDown();
                counts.get();
                synchronized (monitor) {
                    monitor.notify();
                }
                isNotified.get();
                return null;
            }).get();
        }
        assertThat(order).containsExactly("sleep", "all wait", "lock", "queue", "future", "latch", "monitor");
    }

    @Test
    void aContendedMonitorSuspendsOnlyTheCoroutine() throws Exception {
        List<String> order = new ArrayList<>();
        var monitor = new Object();
        try (EventLoop loop = open()) {
            loop.submit(() -> {
                synchronized (monitor) {
                    loop.execute(() -> {
                        synchronized (monitor) {
                            order.add("after");
                        }
                    });
                    loop.submit(() -> order.add("meanwhile")).get();
                    order.add("holder");
                }
                return null;
            }).get();
        }
        assertThat(order).containsExactly("meanwhile", "holder", "after");
    }

    @Test
    void virtualThreadsOfACoroutineAreOfTheLoopToo() throws Exception {
        try (EventLoop loop = open()) {
            var seen = new AtomicReference<EventLoop>();
            loop.submit(() -> {
                Thread.startVirtualThread(() -> seen.set(EventLoop.current())).join();
                return null;
            })
                    .get();
            assertThat(seen.get()).isSameAs(loop);
            assertThat(loop.submit(() -> {
                try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
                    return executor.submit(EventLoop::current).get();
                }
            })
                    .get())
                    .isSameAs(loop);
        }
    }

    @Test
    void aThreadThatACoroutineLeftBehindGoesOnAfterTheLoop() throws Exception {
        var release = new CountDownLatch(1);
        var left = new AtomicReference<Thread>();
        var said = new CompletableFuture<String>();
        try (EventLoop loop = open()) {
            loop.submit(() -> left.set(Thread.startVirtualThread(() -> {
                try {
                    release.await();
                    Thread.sleep(1);
                    said.complete("went on");
                } catch (InterruptedException e) {
                    said.completeExceptionally(e);
                }
            })))
                    .get();
        }
        release.countDown();
        assertThat(said.get()).isEqualTo("went on");
        left.get().join();
    }

    @Test
    void aSleeperThatACoroutineLeftBehindDoesNotHoldUpTheEnd() throws Exception {
        var left = new AtomicReference<Thread>();
        try (EventLoop loop = open()) {
            loop.submit(() -> left.set(Thread.startVirtualThread(() -> {
                try {
                    Thread.sleep(Duration.ofDays(1));
                } catch (InterruptedException e) {
                    // that is its end
                }
            })))
                    .get();
        }
        left.get().interrupt();
        left.get().join();
    }

    @Test
    void ordinaryVirtualThreadsWorkOnAfterALoop() throws Exception {
        open().close();
        Thread other = Thread.startVirtualThread(() -> {
            try {
                Thread.sleep(1);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        other.join();
        assertThat(other.isAlive()).isFalse();
    }

    @Test
    void runCancelsWhatMainLeft() {
        List<String> said = new ArrayList<>();
        int answer = EventLoop.run(() -> {
            EventLoop.current().submit(() -> {
                try {
                    Thread.sleep(Duration.ofDays(1));
                } catch (InterruptedException e) {
                    said.add("cancelled");
                }
                return null;
            });
            EventLoop.yieldNow();
            return 42;
        });
        assertThat(answer).isEqualTo(42);
        assertThat(said).containsExactly("cancelled");
    }

    @Test
    void anInterruptOfWhoCalledRunCancelsMain() throws Exception {
        var begun = new CountDownLatch(1);
        var thrown = new AtomicReference<Throwable>();
        Thread caller = Thread.ofPlatform().start(() -> {
            try {
                EventLoop.run(() -> {
                    begun.countDown();
                    Thread.sleep(Duration.ofDays(1));
                    return null;
                });
            } catch (CancellationException e) {
                thrown.set(Thread.currentThread().isInterrupted() ? e : new AssertionError("not interrupted", e));
            }
        });
        begun.await();
        caller.interrupt();
        caller.join();
        assertThat(thrown.get()).isInstanceOf(CancellationException.class);
    }

    @Test
    void tenThousandSleepersAreNotLost() {
        int[] woken = new int[1];
        try (EventLoop loop = open()) {
            for (int i = 0; i < 10_000; i++) {
                int millis = i % 50;
                loop.submit(() -> {
                    Thread.sleep(millis);
                    return woken[0]++;
                });
            }
        }
        assertThat(woken[0]).isEqualTo(10_000);
    }

    @Test
    void oneThatSleepsForEverDoesNotHideAnOverdueOne() throws Exception {
        try (EventLoop loop = open()) {
            TaskFuture<String> overdue = loop.submit(() -> {
                Thread.sleep(10);
                return "awake";
            });
            TaskFuture<?> forEver = loop.submit(() -> {
                long start = System.nanoTime();
                while (System.nanoTime() - start < 30_000_000) { // holds the loop until the other is overdue
                    Thread.onSpinWait();
                }
                Thread.sleep(Long.MAX_VALUE);
                return null;
            });
            assertThat(overdue.get()).isEqualTo("awake");
            forEver.cancel(true);
        }
    }

    @Test
    void aThreadThatNeverStopsToYieldDoesNotHoldUpTheEnd() throws Exception {
        var stop = new AtomicReference<String>();
        var left = new AtomicReference<Thread>();
        try (EventLoop loop = open()) {
            loop.submit(() -> left.set(Thread.startVirtualThread(() -> {
                while (stop.get() == null) {
                    Thread.yield();
                }
            })))
                    .get();
        }
        stop.set("stop");
        left.get().join();
    }

    @Test
    void whoWaitsOnTheLoopForItsEndHearsOfIt() throws Exception {
        var heard = new CompletableFuture<Boolean>();
        EventLoop loop = open();
        loop.submit(() -> Thread.startVirtualThread(() -> {
            try {
                heard.complete(loop.awaitTermination(1, java.util.concurrent.TimeUnit.DAYS));
            } catch (InterruptedException e) {
                heard.completeExceptionally(e);
            }
        }))
                .get();
        loop.close();
        assertThat(heard.get()).isTrue();
    }

    @Test
    void nothingIsOffloadedAfterTheEnd() {
        EventLoop loop = open();
        loop.close();
        assertThatThrownBy(() -> loop.offload(() -> 1))
                .isInstanceOf(java.util.concurrent.RejectedExecutionException.class);
    }

    @Test
    void closeFromInsideIsRefused() throws Exception {
        EventLoop loop = open();
        assertThatThrownBy(() -> loop.submit(() -> {
            loop.close();
            return null;
        })
                .get())
                .hasRootCauseInstanceOf(IllegalStateException.class);
        loop.close();
    }
}
