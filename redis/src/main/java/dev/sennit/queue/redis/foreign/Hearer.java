package dev.sennit.queue.redis.foreign;

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
public final class Hearer implements Broker.Subscription {
    private static final Logger LOG = System.getLogger(Hearer.class.getName());
    /** How many lists have a connection of their own; the others are seen when the worker asks by itself. */
    private static final int MOST_WATCHED = 64;

    private static final int WAIT_SECONDS = 5;
    private static final long LONGEST_PAUSE_MILLIS = 50;
    /** How much it reads of a list that stays full. */
    private static final int BYTES_A_MILLI = 5_000;

    private final BrokerListener.Interest interest;
    private final byte[] end;
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

    /**
     * Makes the threads, without starting them.
     *
     * @param server the server
     * @param name how the names of the threads begin
     * @param lists the lists whose new entries are news for the listener
     * @param end the end of the lists that workers take from
     * @param interest what the listener is interested in
     * @param listener the listener
     * @param onClose is called once when this is closed
     */
    public Hearer(Server server, String name, List<String> lists, End end, BrokerListener.Interest interest,
            BrokerListener listener, Consumer<Hearer> onClose) {
        this.server = server;
        this.end = Server.bytes(end.name());
        this.interest = interest;
        this.listener = listener;
        this.onClose = onClose;
        thread = Thread.ofVirtual().name(name + "-listener").unstarted(this::run);
        lists.stream().distinct().limit(MOST_WATCHED).forEach(
                list -> watching.add(Thread.ofVirtual().name(name + "-watch").unstarted(() -> watch(list))));
    }

    /** The ends of a list. */
    public enum End {
        /** The beginning. */
        LEFT,
        /** The end. */
        RIGHT
    }

    /** Returns what the listener is interested in. */
    public BrokerListener.Interest interest() {
        return interest;
    }

    /** Starts the threads. */
    public void start() {
        thread.start();
        watching.forEach(Thread::start);
    }

    /** Has the listener called by its thread. */
    public void tell(Consumer<BrokerListener> call) {
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
        List<byte[]> move = List.of(Server.bytes(list), Server.bytes(list), end, end, Server.bytes(WAIT_SECONDS));
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
