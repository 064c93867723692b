package dev.sennit.testing;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Quietly;
import dev.sennit.testing.FaultPlan.Chunk;
import dev.sennit.testing.FaultPlan.Fault;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** One connection through a {@link FaultProxy}: two sockets, and a thread for each direction. */
final class FaultyLink {
    private static final int BUFFER = 1 << 14;
    private static final long STACK = 1 << 18;

    private final FaultProxy proxy;
    private final Socket client;
    private final Socket server;
    private final List<Thread> threads;
    /** The directions that have not ended. */
    private final AtomicInteger directions = new AtomicInteger(2);
    /** Guarded by the proxy's lock. The end of its own standstill, by the clock. */
    private long standsUntil = Backend.current().nanoTime();
    /** Guarded by the proxy's lock for writing. */
    private volatile boolean ended;

    FaultyLink(FaultProxy proxy, long number, Socket client, Socket server) throws IOException {
        this.proxy = proxy;
        this.client = client;
        this.server = server;
        client.setTcpNoDelay(true);
        server.setTcpNoDelay(true);
        String name = "sennit-fault-proxy-" + proxy.port() + "-" + number;
        threads = List.of(
                thread(name + "-to-server", () -> pump(client, server, proxy.plan(number, true))),
                thread(name + "-to-client", () -> pump(server, client, proxy.plan(number, false))));
    }

    private static Thread thread(String name, Runnable body) {
        var thread = new Thread(null, body, name, STACK, false);
        thread.setDaemon(true);
        return thread;
    }

    void start() {
        try {
            threads.forEach(Backend::start);
        } catch (Throwable e) {
            abandon();
            throw e;
        }
    }

    List<Thread> threads() {
        return threads;
    }

    /** Whether it was reset, or both sides have closed it. */
    boolean hasEnded() {
        return ended;
    }

    /** Whether its threads have ended; read with the proxy's lock. */
    boolean isGone() {
        return threads.stream().noneMatch(Thread::isAlive);
    }

    /** Guarded by the proxy's lock. */
    long standsUntil() {
        return standsUntil;
    }

    /** Guarded by the proxy's lock. */
    void standUntil(long moment) {
        standsUntil = moment;
    }

    /**
     * Ends both sides at once, so that what is under way is lost. Does nothing if they have ended.
     *
     * @param fault of which this is one more; null if it is none
     * @return whether this did it
     */
    boolean reset(@Nullable Fault fault) {
        if (!proxy.ending(this)) {
            return false;
        }
        if (fault != null) {
            proxy.count(fault); // before anybody can see it
        }
        reset(client);
        reset(server);
        return true;
    }

    /** The same, for another reason than a fault. */
    void abandon() {
        reset((Fault) null);
    }

    static void reset(Socket socket) {
        try {
            socket.setSoLinger(true, 0);
        } catch (SocketException e) {
            // it is closed
        }
        Quietly.close(socket);
    }

    /** Needs the proxy's lock. Returns false if it has ended before. */
    boolean end() {
        boolean first = !ended;
        ended = true;
        return first;
    }

    private void pump(Socket from, Socket to, FaultPlan plan) {
        try {
            new Direction(from.getInputStream(), to.getOutputStream(), plan).run();
            proxy.awaitPassage(this);
            to.shutdownOutput();
        } catch (IOException e) {
            abandon(); // one side is gone, and the other has to hear of it
        } catch (InterruptedException e) {
            throw new AssertionError("nobody knows this thread", e);
        }
        if (directions.decrementAndGet() == 0) {
            proxy.ending(this);
            Quietly.close(client);
            Quietly.close(server);
        }
    }

    /** The bytes one way. Only its thread uses it. */
    private final class Direction {
        private final InputStream input;
        private final OutputStream output;
        private final FaultPlan plan;
        private final byte[] buffer = new byte[BUFFER];

        private @Nullable Chunk chunk;
        /** How much of the chunk has passed. */
        private int passed;
        /** The chunk's bytes so far, if it is to be duplicated. */
        private byte[] copy = {};

        Direction(InputStream input, OutputStream output, FaultPlan plan) {
            this.input = input;
            this.output = output;
            this.plan = plan;
        }

        void run() throws IOException, InterruptedException {
            for (int count = input.read(buffer); count >= 0; count = input.read(buffer)) {
                for (int done = 0; done < count;) {
                    Chunk current = chunk;
                    if (current == null) {
                        chunk = current = begin();
                    }
                    int next = Math.min(count - done, current.length() - passed);
                    if (current.fault() == Fault.HALVE) {
                        next = halved(current, next);
                    }
                    pass(current, done, next);
                    done += next;
                    passed += next;
                    if (passed == current.length()) {
                        complete(current);
                    }
                }
            }
        }

        private Chunk begin() throws IOException, InterruptedException {
            passed = 0;
            Chunk begun = plan.next();
            Fault fault = begun.fault();
            if (fault == null || !proxy.spoils()) {
                return new Chunk(begun.length(), null, 0, 0);
            }
            switch (fault) {
                case CUT -> cut(fault);
                case DELAY -> {
                    proxy.count(fault);
                    proxy.delay(FaultyLink.this, begun.share());
                }
                case STAND_STILL -> proxy.standStill(FaultyLink.this, begun.share());
                case DUPLICATE -> copy = new byte[begun.length()];
                case HALVE, GARBLE -> {
                    // when their byte comes
                }
            }
            return begun;
        }

        /** How much may still pass. At the half the connection ends. */
        private int halved(Chunk halved, int wanted) throws IOException {
            int left = halved.length() / 2 - passed;
            if (left <= 0) {
                cut(Fault.HALVE);
            }
            return Math.min(wanted, left);
        }

        private void cut(Fault fault) throws IOException {
            reset(fault);
            throw new IOException("cut");
        }

        private void pass(Chunk current, int start, int length) throws IOException, InterruptedException {
            int place = start + current.place() - passed;
            if (current.fault() == Fault.GARBLE && place >= start && place < start + length) {
                buffer[place] ^= (byte) (1 + (int) (current.share() * 255)); // never 0, so it is another byte
                proxy.count(Fault.GARBLE);
            }
            if (current.fault() == Fault.DUPLICATE) {
                System.arraycopy(buffer, start, copy, passed, length);
            }
            proxy.awaitPassage(FaultyLink.this);
            output.write(buffer, start, length);
            proxy.countBytes(length);
        }

        private void complete(Chunk current) throws IOException {
            if (current.fault() == Fault.DUPLICATE) {
                output.write(copy);
                proxy.count(Fault.DUPLICATE);
                proxy.countBytes(copy.length);
            }
            chunk = null;
        }
    }
}
