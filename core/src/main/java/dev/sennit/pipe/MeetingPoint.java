package dev.sennit.pipe;

import dev.sennit.internal.Backend;
import dev.sennit.internal.machine.MeetingFolder;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channel;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Where the ends of the pipes that this process opened find each other.
 *
 * <p>A JVM cannot hand a file descriptor to another JVM. So an end travels as a ticket: the folder of this meeting
 * point, and a random token. The process that has the ticket claims the end over a connection to the socket in the
 * folder ({@link EndClaim} is that side; the process that opened the pipe claims its ends in the same way). When both
 * ends have been claimed and are in use, the meeting point tells one to listen and the other to connect. From then on
 * they need it no more.
 *
 * <pre>
 * end to here: long, long token, long pid    claims an end; takes it from a process that has it and does not use it yet
 *              'U'                           uses the end
 *              'l'                           listens
 *              'c'                           has connected
 *              'n'                           its process is about to end, and has messages: use the other end now
 * here to end: 'H'                           has the end
 *              'T', long pid                 that process has the end
 *              'E'                           the pipe has ended
 *              'L', int name                 listen in the folder, under that name
 *              'C', int name                 connect to that name
 *              'A'                           accept
 *              'N'                           use the end now
 * </pre>
 *
 * <p>When the connection of a claim ends, its end of the pipe is gone: so no process waits for a dead one. The folder
 * and the socket exist while there is a pipe that was used or given away and is not connected yet.
 */
final class MeetingPoint {
    static final byte USES = 'U';
    static final byte LISTENS = 'l';
    static final byte CONNECTED = 'c';
    static final byte HURRIES = 'n';
    static final byte HELD = 'H';
    static final byte TAKEN = 'T';
    static final byte ENDED = 'E';
    static final byte LISTEN = 'L';
    static final byte CONNECT = 'C';
    static final byte ACCEPT = 'A';
    static final byte HURRY = 'N';

    /** Hundreds of claims may come at once; the system reduces this to its own limit. */
    private static final int BACKLOG = 4096;

    static final MeetingPoint HERE = new MeetingPoint();

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final AtomicInteger OPENED = new AtomicInteger();

    private final Object lock = new Object();
    /** Guarded by lock. The ends that may be claimed. */
    private final Map<Token, End> ends = new HashMap<>();
    /** Guarded by lock. Not null while {@link #ends} is not empty. */
    private @Nullable Place place;

    MeetingPoint() {}

    /** The secret that claims an end. */
    record Token(long high, long low) {
        static Token random() {
            return new Token(RANDOM.nextLong(), RANDOM.nextLong());
        }
    }

    private record Place(Path folder, ServerSocketChannel server) {}

    /** An end of a pipe that was opened here. All fields but the final ones are guarded by lock. */
    static final class End {
        private final Token token = Token.random();
        private final String pipe;
        private @Nullable End other;
        /** Written once, before the end can be claimed: uses the end in this process. */
        private @Nullable Runnable whenHurried;
        /** The connection of the process that claimed the end. */
        private @Nullable SocketChannel claimant;
        private long claimantPid;
        boolean used;
        /** Whether the claimant has said that its process is about to end. */
        private boolean hurried;
        /** The word that the claimant was asked for: {@link #LISTENS} or {@link #CONNECTED}; 0 if none. */
        private byte asked;
        /** Whether the pipe has connected, or will not connect any more. */
        private boolean over;

        private End(String pipe) {
            this.pipe = pipe;
        }

        End other() {
            return Objects.requireNonNull(other);
        }

        Token token() {
            return token;
        }

        void whenHurried(Runnable use) {
            whenHurried = use;
        }

        /** Returns the name of the pipe, for messages. */
        String pipe() {
            return pipe;
        }
    }

    /** Makes a pipe that no other process knows yet. */
    End newPipe() {
        String pipe = ProcessHandle.current().pid() + "-" + OPENED.incrementAndGet();
        var one = new End(pipe);
        var two = new End(pipe);
        one.other = two;
        two.other = one;
        return one;
    }

    /**
     * Lets an end and its other end be claimed.
     *
     * @return the folder of this meeting point
     * @throws ConnectionEndedException if the pipe has ended
     * @throws IOException if another process has the end
     */
    Path offer(End end) throws IOException {
        synchronized (lock) {
            if (end.over && end.used) {
                throw new IOException("this end of pipe " + end.pipe + " belongs to process " + end.claimantPid);
            }
            if (end.over) {
                throw new ConnectionEndedException("pipe " + end.pipe + " has ended: its other end was closed");
            }
            if (place == null) {
                Place opened = open();
                try {
                    Backend.start(Thread.ofVirtual().name("sennit-pipes").unstarted(() -> receive(opened)));
                } catch (Throwable e) { // no memory for the thread: the next offer tries again
                    close(opened.server);
                    MeetingFolder.remove(opened.folder);
                    throw e;
                }
                place = opened;
            }
            ends.put(end.token, end);
            ends.put(end.other().token, end.other());
            return place.folder;
        }
    }

    private static Place open() throws IOException {
        Path folder = MeetingFolder.create();
        ServerSocketChannel server = null;
        try {
            server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server.bind(UnixDomainSocketAddress.of(folder.resolve(MeetingFolder.SOCKET)), BACKLOG);
            return new Place(folder, server);
        } catch (Throwable e) {
            if (server != null) {
                server.close();
            }
            MeetingFolder.remove(folder);
            throw e;
        }
    }

    /** Gives up an end for this process; if no process has claimed it, the pipe has ended. */
    void release(End end) {
        synchronized (lock) {
            if (end.claimant == null) {
                over(end);
            }
        }
    }

    // ---- claims ----

    private void receive(Place here) {
        try {
            while (true) {
                SocketChannel claimant = here.server.accept();
                try {
                    Backend.start(Thread.ofVirtual().name("sennit-pipe-claim").unstarted(() -> serve(claimant)));
                } catch (Throwable e) { // no memory for the thread: the end of its connection tells the claimant
                    close(claimant);
                }
            }
        } catch (IOException e) {
            synchronized (lock) {
                if (place == here) { // no file descriptor left, say: waiting ends have to be told
                    List.copyOf(ends.values()).forEach(this::over);
                }
            }
        }
    }

    private void serve(SocketChannel claimant) {
        End end = null;
        try (claimant) {
            var in = new DataInputStream(Channels.newInputStream(claimant));
            end = claim(new Token(in.readLong(), in.readLong()), in.readLong(), claimant);
            while (end != null) {
                hear(end, claimant, in.readByte());
            }
        } catch (IOException | OutOfMemoryError e) {
            // it has connected or ended, or there was no memory for a thread
        } finally {
            if (end != null) {
                left(end, claimant);
            }
        }
    }

    private @Nullable End claim(Token token, long pid, SocketChannel claimant) throws IOException {
        synchronized (lock) {
            End end = ends.get(token);
            if (end == null) {
                say(claimant, ENDED);
                return null;
            }
            if (end.used) {
                sayTaken(claimant, end.claimantPid);
                return null;
            }
            SocketChannel before = end.claimant;
            end.claimant = claimant;
            end.claimantPid = pid;
            if (before != null) {
                try {
                    sayTaken(before, pid);
                } catch (IOException e) {
                    // its process is gone
                }
                close(before);
            }
            try {
                say(claimant, HELD);
            } catch (IOException e) { // the claim was given up at once
                over(end);
                return null;
            }
            return end;
        }
    }

    private void hear(End end, SocketChannel claimant, byte said) throws IOException {
        synchronized (lock) {
            if (end.claimant != claimant || end.over) {
                throw new IOException("it has lost the end");
            }
            SocketChannel others = end.other().claimant;
            switch (said) {
                case USES -> {
                    if (end.used) {
                        throw saidTwice(said);
                    }
                    end.used = true;
                    if (end.other().used && others != null) {
                        end.other().asked = LISTENS;
                        say(others, LISTEN, name(end));
                    }
                }
                case HURRIES -> {
                    if (end.hurried) {
                        throw saidTwice(said);
                    }
                    end.hurried = true;
                    Runnable useHere = end.other().whenHurried;
                    if (end.other().used) {
                        return; // they are about to meet
                    }
                    if (others != null) {
                        say(others, HURRY);
                    } else if (useHere != null) {
                        Backend.start(Thread.ofVirtual().unstarted(useHere));
                    }
                }
                case LISTENS -> {
                    ensureAsked(end, said);
                    end.other().asked = CONNECTED;
                    sayIfThere(others, CONNECT, name(end.other()));
                }
                case CONNECTED -> {
                    ensureAsked(end, said);
                    sayIfThere(others, ACCEPT);
                    over(end);
                }
                default -> throw new IOException("it says " + said);
            }
        }
    }

    /** Allows each answer once. So a claimant cannot have more written to the other than the other's socket takes. */
    private static void ensureAsked(End end, byte said) throws IOException {
        if (end.asked != said) {
            throw new IOException("it says " + said + " unasked");
        }
        end.asked = 0;
    }

    private static IOException saidTwice(byte said) {
        return new IOException("it says " + said + " again");
    }

    /**
     * Returns the name of a pipe's socket: derived from the end that was used last, so that both ends are told the same
     * name.
     */
    private static int name(End end) {
        return (int) (end.token.high ^ end.token.low);
    }

    private void left(End end, SocketChannel claimant) {
        synchronized (lock) {
            if (end.claimant == claimant) {
                over(end);
            }
        }
    }

    /**
     * Ends a pipe: it has connected, or an end of it is gone. A remaining claimant reads the words said before, then
     * end-of-file.
     */
    private void over(End end) {
        for (End one : new End[] {end, end.other()}) {
            one.over = true;
            ends.remove(one.token);
            close(one.claimant);
        }
        if (ends.isEmpty() && place != null) {
            close(place.server);
            MeetingFolder.remove(place.folder);
            place = null;
        }
    }

    private static void sayIfThere(@Nullable SocketChannel claimant, byte word, int... names) throws IOException {
        if (claimant != null) {
            say(claimant, word, names);
        }
    }

    /**
     * Says a word to a claimant. The bytes always fit the socket, as each word is said to a claimant once: so this
     * never waits under the lock. Only virtual threads of this class call it, and nothing interrupts them.
     */
    private static void say(SocketChannel claimant, byte word, int... names) throws IOException {
        ByteBuffer message = ByteBuffer.allocate(1 + names.length * Integer.BYTES).put(word);
        for (int name : names) {
            message.putInt(name);
        }
        claimant.write(message.flip());
    }

    private static void sayTaken(SocketChannel claimant, long pid) throws IOException {
        claimant.write(ByteBuffer.allocate(1 + Long.BYTES).put(TAKEN).putLong(pid).flip());
    }

    private static void close(@Nullable Channel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            // it is gone either way
        }
    }
}
