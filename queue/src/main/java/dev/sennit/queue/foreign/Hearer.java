package dev.sennit.queue.foreign;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerListener;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A listener, and the thread that calls it. */
public final class Hearer implements Broker.Subscription {
    private static final Logger LOG = System.getLogger(Hearer.class.getName());

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
    private final BlockingQueue<Consumer<BrokerListener>> calls = new LinkedBlockingQueue<>();
    private final AtomicBoolean isWorkTold = new AtomicBoolean();
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
        thread = Thread.ofVirtual().name(name + "-listener").unstarted(this::run);
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
        if (!isClosed) {
            calls.add(call);
        }
    }

    /** Tells that there may be work, unless that is about to be told. */
    public void tellWork() {
        if (isWorkTold.compareAndSet(false, true)) {
            tell(each -> {
                isWorkTold.set(false);
                each.workMayBeReady();
            });
        }
    }

    private void run() {
        while (!isClosed) {
            Consumer<BrokerListener> call;
            try {
                call = calls.take();
            } catch (InterruptedException e) {
                continue;
            }
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

    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        onClose.accept(this);
        Source telling = source;
        if (telling != null) {
            telling.close();
        }
        calls.add(_ -> {}); // wakes the thread
        if (Thread.currentThread() != thread) {
            calling.lock(); // until the call that runs is over
            calling.unlock();
        }
    }
}
