package dev.sennit.service;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Uncaught;
import dev.sennit.internal.Uninterruptibles;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/** The queue of one {@link ServiceListener}: calls it in order, one call at a time, in a thread that ends when there is
 * nothing to call. */
final class ListenerLane {
    private static final int LONGEST = 1000;

    private final ServiceListener listener;

    // guarded by this
    private final Deque<Consumer<ServiceListener>> calls = new ArrayDeque<>();
    private boolean isRunning;
    private long dropped;

    ListenerLane(ServiceListener listener) {
        this.listener = listener;
    }

    void call(Consumer<ServiceListener> call) {
        synchronized (this) {
            if (calls.size() == LONGEST) {
                dropped++;
            } else {
                calls.add(call);
            }
            if (isRunning) {
                return;
            }
            isRunning = true;
        }
        try {
            Backend.start(Thread.ofPlatform().daemon().name("sennit-service-listener").unstarted(this::run));
        } catch (Throwable e) { // no thread available: the next call tries again
            synchronized (this) {
                isRunning = false;
            }
        }
    }

    private synchronized void awaitIdle(Deadline deadline) throws InterruptedException {
        while (isRunning && !deadline.isOver()) {
            wait(Math.max(1, deadline.left() / 1_000_000));
        }
    }

    /** Waits until none of the lanes has a call under way, for a limited time, also when the thread is interrupted. */
    static void awaitAll(List<ListenerLane> lanes, Duration longest) {
        Deadline deadline = Deadline.in(longest);
        for (ListenerLane lane : lanes) {
            Uninterruptibles.await(() -> lane.awaitIdle(deadline));
        }
    }

    private void run() {
        while (true) {
            Consumer<ServiceListener> call;
            long lost;
            synchronized (this) {
                if (calls.isEmpty()) {
                    isRunning = false;
                    notifyAll();
                    return;
                }
                call = calls.remove();
                lost = dropped;
                dropped = 0;
            }
            if (lost > 0) {
                Uncaught.warn(lost + " events were not told to a listener that took too long", null);
            }
            try {
                call.accept(listener);
            } catch (Throwable e) { // user code
                Uncaught.warn("a listener of services failed", e);
            }
        }
    }
}
