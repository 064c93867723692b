package dev.sennit;

import dev.sennit.internal.Backend;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Future;

/**
 * Timers that go off when the test says so, whatever their delay. One that is called off goes off all the same: its
 * thread had come just before that. In use until it is closed.
 */
final class HeldTimers extends Backend implements AutoCloseable {
    private final Backend before;
    private final List<Runnable> actions = new CopyOnWriteArrayList<>();

    HeldTimers() {
        before = replace(this);
    }

    @Override
    protected Future<?> schedule(Runnable action, long nanos) {
        actions.add(action);
        return new CompletableFuture<>();
    }

    int count() {
        return actions.size();
    }

    /** Lets the timer go off that was asked for after so many others. */
    void fire(int index) {
        actions.get(index).run();
    }

    @Override
    public void close() {
        replace(before);
    }
}
