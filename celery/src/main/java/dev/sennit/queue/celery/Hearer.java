package dev.sennit.queue.celery;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.exceptions.JedisException;

/**
 * A listener, the thread that calls it, and the threads that see new entries in its lists.
 *
 * <p><b>New entries.</b> Producers of Python tell nobody. {@code BLMOVE} from the end of a list to the same end waits
 * until there is an entry, and changes nothing: it is one step. So each list has a connection that waits so. While the
 * same entry stays at the end, as the worker is busy or passes over it, the thread looks less and less often.
 */
final class Hearer implements Broker.Subscription {
    private static final Logger LOG = System.getLogger(Hearer.class.getName());
    /** How many lists have a connection of their own; the others are seen when the worker asks by itself. */
    private static final int MOST_WATCHED = 64;

    private static final int WAIT_SECONDS = 5;
    private static final long LONGEST_PAUSE_MILLIS = 50;
    /** How much it reads of a list that stays full. */
    private static final int BYTES_A_MILLI = 5_000;

    final BrokerListener.Interest interest;
    private final BrokerListener listener;
    private final Consumer<Hearer> onClose;
    private final Server server;
    private final BlockingQueue<Consumer<BrokerListener>> calls = new LinkedBlockingQueue<>();
    private final AtomicBoolean isWorkTold = new AtomicBoolean();
    private final ReentrantLock calling = new ReentrantLock();
    private final List<Thread> watching = new ArrayList<>();
    /** Guarded by itself. */
    private final List<Server.Line> lines = new ArrayList<>();

    private final Thread thread;
    private volatile boolean isClosed;

    Hearer(Server server, Address address, BrokerListener.Interest interest, BrokerListener listener,
            Consumer<Hearer> onClose) {
        this.server = server;
        this.interest = interest;
        this.listener = listener;
        this.onClose = onClose;
        thread = Thread.ofVirtual().name("sennit-celery-listener").unstarted(this::run);
        interest.queues().stream().flatMap(queue -> address.lists(queue).stream()).distinct().limit(MOST_WATCHED)
                .forEach(list -> watching
                        .add(Thread.ofVirtual().name("sennit-celery-watch").unstarted(() -> watch(list))));
    }

    void start() {
        thread.start();
        watching.forEach(Thread::start);
    }

    /** Has the listener called by its thread. */
    void tell(Consumer<BrokerListener> call) {
        if (!isClosed) {
            calls.add(call);
        }
    }

    private void tellWork() {
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

    private void watch(String list) {
        List<byte[]> move = List.of(Server.bytes(list), Server.bytes(list), Server.bytes("RIGHT"),
                Server.bytes("RIGHT"), Server.bytes(WAIT_SECONDS));
        byte @Nullable [] last = null;
        long pause = 1;
        int failures = 0;
        while (!isClosed) {
            Server.Line line = null;
            try {
                line = server.connect((WAIT_SECONDS + 10) * 1000);
                add(line);
                tellWork(); // there may be some since the connection broke
                while (!isClosed) {
                    line.send(Command.BLMOVE, move);
                    byte @Nullable [] next = (byte[]) line.next();
                    failures = 0;
                    if (next == null) {
                        continue;
                    }
                    tellWork();
                    pause = Arrays.equals(next, last) ? Math.min(pause * 2, LONGEST_PAUSE_MILLIS) : 1;
                    last = next;
                    sleep(Math.max(pause, next.length / BYTES_A_MILLI));
                }
            } catch (JedisException | BrokerException e) {
                sleep(Math.min(50L << Math.min(failures++, 5), 1000));
            } catch (IllegalStateException e) {
                return; // the broker is closed
            } finally {
                if (line != null) {
                    remove(line);
                }
            }
        }
    }

    private void add(Server.Line line) {
        synchronized (lines) {
            lines.add(line);
        }
        if (isClosed) {
            Server.close(line);
        }
    }

    private void remove(Server.Line line) {
        synchronized (lines) {
            lines.remove(line);
        }
        Server.close(line);
    }

    private void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            // closed, as the loops see
        }
    }

    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        onClose.accept(this);
        List<Server.Line> open;
        synchronized (lines) {
            open = List.copyOf(lines);
        }
        open.forEach(Server::close);
        watching.forEach(Thread::interrupt);
        calls.add(_ -> {}); // wakes the thread
        if (Thread.currentThread() != thread) {
            calling.lock(); // until the call that runs is over
            calling.unlock();
        }
    }
}
