package dev.sennit.queue.redis.foreign;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.foreign.Hearer;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.exceptions.JedisException;

/**
 * The threads that see new entries in lists of Redis. Producers of Python tell nobody. {@code BLMOVE} from the end of a
 * list to the same end waits until there is an entry, and changes nothing: it is one step. So each list has a
 * connection that waits so. While the same entry stays at the end, as the worker is busy or passes over it, the thread
 * looks less and less often. They are platform threads: tasks may hold all carriers of virtual ones.
 */
public final class Watches implements Hearer.Source {
    private static final Logger LOG = System.getLogger(Watches.class.getName());
    /** How many lists have a connection of their own; the others are seen when the worker asks by itself. */
    private static final int MOST_WATCHED = 64;

    private static final int WAIT_SECONDS = 5;
    private static final long LONGEST_PAUSE_MILLIS = 50;
    /** How much it reads of a list that stays full. */
    private static final int BYTES_A_MILLI = 5_000;

    private final Server server;
    private final Hearer hearer;
    private final byte[] end;
    private final List<Thread> watching = new ArrayList<>();
    /** Guarded by itself. */
    private final List<Server.Line> lines = new ArrayList<>();

    private volatile boolean isClosed;

    /** The ends of a list. */
    public enum End {
        /** The beginning. */
        LEFT,
        /** The end. */
        RIGHT
    }

    /**
     * Makes the threads, without starting them.
     *
     * @param server the server
     * @param name how the names of the threads begin
     * @param hearer is told of work
     * @param lists the lists
     * @param end the end that workers take from
     */
    public Watches(Server server, String name, Hearer hearer, List<String> lists, End end) {
        this.server = server;
        this.hearer = hearer;
        this.end = Server.bytes(end.name());
        lists.stream().distinct().limit(MOST_WATCHED).forEach(
                list -> watching.add(Thread.ofPlatform().daemon().name(name + "-watch").unstarted(() -> watch(list))));
    }

    @Override
    public void start() {
        watching.forEach(Thread::start);
    }

    private void watch(String list) {
        List<byte[]> move = List.of(Server.bytes(list), Server.bytes(list), end, end, Server.bytes(WAIT_SECONDS));
        byte @Nullable [] last = null;
        long pause = 1;
        int failures = 0;
        while (!isClosed && !server.isClosed()) {
            Server.Line line = null;
            try {
                line = server.connect((WAIT_SECONDS + 10) * 1000);
                add(line);
                hearer.tellWork(); // there may be some since the connection broke
                while (!isClosed) {
                    line.send(Command.BLMOVE, move);
                    byte @Nullable [] next = (byte[]) line.next();
                    failures = 0;
                    if (next == null) {
                        continue;
                    }
                    hearer.tellWork();
                    pause = Arrays.equals(next, last) ? Math.min(pause * 2, LONGEST_PAUSE_MILLIS) : 1;
                    last = next;
                    sleep(Math.max(pause, next.length / BYTES_A_MILLI));
                }
            } catch (JedisException | BrokerException e) {
                sleep(Math.min(50L << Math.min(failures++, 5), 1000));
            } catch (RuntimeException | Error e) { // the worker waits for this thread
                if (!isClosed && !server.isClosed()) {
                    LOG.log(Level.ERROR, "list " + list + " cannot be watched: " + e, e);
                    sleep(1000);
                }
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
        isClosed = true;
        List<Server.Line> open;
        synchronized (lines) {
            open = List.copyOf(lines);
        }
        open.forEach(Server::close);
        watching.forEach(Thread::interrupt);
    }
}
