package dev.sennit.queue.foreign;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerListener;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A listener, and the thread that calls it. What a listener that is slow has not heard of is bounded: the oldest of it
 * is forgotten, but never that there may be work. Whoever waits for an end asks for it, too.
 */
public final class Hearer implements Broker.Subscription {
    /** How many calls wait. */
    static final int MOST_WAITING = 10_000;
    private static final Logger LOG = System.getLogger(Hearer.class.getName());
    /** Whether a thread is one that calls a listener. */
    private static final ThreadLocal<Boolean> IS_CALLING = ThreadLocal.withInitial(() -> false);

    /** What tells of work, until it is closed. */
    public interface Source extends AutoCloseable {
        /** Begins to tell. */
        void start();

        @Override
        void close();
    }

    private final BrokerListener.Interest interest;
    private final BrokerListener listener;
    private final Consumer<Hearer> onClose;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Guarded by lock. */
    private final ArrayDeque<Consumer<BrokerListener>> calls = new ArrayDeque<>();
    /** Guarded by lock. Whether it is to be told that there may be work. */
    private boolean mayHaveWork;
    /** Guarded by lock. Whether the last call was that. */
    private boolean wasWork;

    private final AtomicBoolean isClosing = new AtomicBoolean();
    /** Its thread has it while it calls. */
    private final ReentrantLock calling = new ReentrantLock();
    private final Thread thread;
    private volatile @Nullable Source source;
    private volatile boolean isClosed;

    /**
     * Makes it, without starting its thread.
     *
     * @param name how the name of its thread begins
     * @param interest what the listener is interested in
     * @param listener the listener
     * @param onClose is called once when this is closed
     */
    public Hearer(String name, BrokerListener.Interest interest, BrokerListener listener, Consumer<Hearer> onClose) {
        this.interest = interest;
        this.listener = listener;
        this.onClose = onClose;
        thread = Thread.ofPlatform().daemon().name(name + "-listener").unstarted(this::run);
    }

    /** Returns what the listener is interested in. */
    public BrokerListener.Interest interest() {
        return interest;
    }

    /** Starts the thread, and what tells of work, if there is such a thing. */
    public void start(@Nullable Source telling) {
        source = telling;
        thread.start();
        if (telling != null) {
            telling.start();
        }
    }

    /** Has the listener called by its thread. */
    public void tell(Consumer<BrokerListener> call) {
        lock.lock();
        try {
            if (!isClosed) {
                if (calls.size() == MOST_WAITING) {
                    calls.remove();
                }
                calls.add(call);
                changed.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Tells that there may be work, unless that is about to be told. */
    public void tellWork() {
        lock.lock();
        try {
            mayHaveWork = true;
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Returns the next call, that of work and one of the others in turn; null when it is closed. */
    private @Nullable Consumer<BrokerListener> next() {
        lock.lock();
        try {
            while (!isClosed) {
                if (mayHaveWork && (!wasWork || calls.isEmpty())) {
                    mayHaveWork = false;
                    wasWork = true;
                    return BrokerListener::workMayBeReady;
                }
                Consumer<BrokerListener> call = calls.poll();
                if (call != null) {
                    wasWork = false;
                    return call;
                }
                changed.awaitUninterruptibly();
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        IS_CALLING.set(true);
        for (Consumer<BrokerListener> call = next(); call != null; call = next()) {
            calling.lock();
            try {
                if (!isClosed) {
                    call.accept(listener);
                }
            } catch (Throwable e) {
                LOG.log(Level.WARNING, "a listener of a broker has thrown " + e, e);
            } finally {
                calling.unlock();
            }
        }
    }

    /** Ends it; returns when the call that runs is over, unless a listener closes it: two may close each other. */
    @Override
    public void close() {
        if (isClosing.compareAndSet(false, true)) {
            stop();
        }
        if (!IS_CALLING.get()) {
            calling.lock();
            calling.unlock();
        }
    }

    private void stop() {
        lock.lock();
        try {
            isClosed = true;
            calls.clear();
            changed.signal();
        } finally {
            lock.unlock();
        }
        try {
            onClose.accept(this);
        } finally {
            Source telling = source;
            if (telling != null) {
                telling.close();
            }
        }
    }
}
