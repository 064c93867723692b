package dev.sennit.queue.redis.foreign;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerException.Kind;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.commands.ProtocolCommand;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Connections to Redis, and calls over them. Calls of one list go in one round trip, each is a step of its own. A
 * connection that broke takes all idle ones with it, as a restart of the server breaks all; so does one whose server
 * has become a replica.
 */
public final class Server implements AutoCloseable {
    /** How many idle connections are kept. */
    private static final int MOST_IDLE = 8;
    private static final int ANSWER_MILLIS = 15_000;
    private static final byte[] NO_KEYS = {'0'};

    /**
     * A command or a script.
     *
     * @param script the script, or null
     * @param command the command; EVALSHA for a script
     * @param arguments the arguments
     */
    public record Call(@Nullable ServerScript script, ProtocolCommand command, List<byte[]> arguments) {}

    /** A connection whose commands can be sent without waiting for an answer, by any thread. */
    public static final class Line extends Connection {
        private Line(Sockets where, DefaultJedisClientConfig how) {
            super(where, how);
        }

        /** Sends a command, whose answer {@link #next} returns. */
        public synchronized void send(ProtocolCommand command, List<byte[]> arguments) {
            sendCommand(command, arguments.toArray(byte[][]::new));
            flush();
        }

        /** Waits for the next answer or message, for as long as the time limit of the socket. */
        public Object next() {
            return readProtocolWithCheckingBroken();
        }
    }

    private final Endpoint address;
    private final String name;
    private final @Nullable String secret;
    /** Guarded by itself. The connection used last is the first. */
    private final Deque<Line> idle = new ArrayDeque<>();

    private volatile boolean isClosed;

    /**
     * Makes connections to a server, the first of them at the first call.
     *
     * @param address where it is
     */
    public Server(Endpoint address) {
        this.address = address;
        name = address.toString();
        String password = address.password();
        secret = password == null || password.isEmpty() ? null : password;
    }

    /** Returns a text as UTF-8. */
    public static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Returns a number in decimal digits. */
    public static byte[] bytes(long number) {
        return Long.toString(number).getBytes(StandardCharsets.US_ASCII);
    }

    /** Returns an answer as text; none is an empty one. */
    public static String text(@Nullable Object answer) {
        return answer == null ? "" : new String((byte[]) answer, StandardCharsets.UTF_8);
    }

    /** Returns a call of a script. */
    public static Call call(ServerScript script, List<byte[]> arguments) {
        return new Call(script, Command.EVALSHA, arguments);
    }

    /** Returns a call of a command. */
    public static Call call(ProtocolCommand command, String... arguments) {
        List<byte[]> all = new ArrayList<>(arguments.length);
        for (String each : arguments) {
            all.add(bytes(each));
        }
        return new Call(null, command, all);
    }

    /**
     * Runs calls, each of which may be run twice without harm.
     *
     * @throws BrokerException if the server cannot be reached, or refuses one of them
     */
    public List<Object> repeatable(List<Call> calls) {
        return run(calls, true, true);
    }

    /** Runs one call that may be run twice without harm. */
    public Object repeatable(Call call) {
        return run(List.of(call), true, true).getFirst();
    }

    /**
     * Runs calls that change nothing.
     *
     * @throws BrokerException as {@link #repeatable}; it is never in doubt
     */
    public List<Object> look(List<Call> calls) {
        return run(calls, true, false);
    }

    /** Runs one call that changes nothing. */
    public Object look(Call call) {
        return run(List.of(call), true, false).getFirst();
    }

    /**
     * Runs calls once.
     *
     * @throws BrokerException as {@link #repeatable}; it is in doubt if the connection broke meanwhile
     */
    public List<Object> once(List<Call> calls) {
        return run(calls, false, true);
    }

    private List<Object> run(List<Call> calls, boolean isRepeatable, boolean isChange) {
        if (calls.isEmpty()) {
            return List.of();
        }
        boolean isSecond = false;
        boolean isPerhapsDone = false; // by the first try
        while (true) {
            Line line;
            try {
                line = take();
            } catch (BrokerException e) {
                throw isPerhapsDone ? doubtful(e) : e;
            }
            boolean isWhole = false;
            try {
                List<Object> answers = run(line, calls, isChange);
                isWhole = true;
                return answers;
            } catch (JedisConnectionException e) {
                discardIdle();
                boolean isNotDone = e instanceof SentinelException && calls.size() == 1; // the server has refused it
                boolean isDoubtful = isPerhapsDone || isChange && !isNotDone;
                if (isSecond || !isRepeatable && !isNotDone) {
                    throw isDoubtful ? doubtful(failure(e, true)) : failure(e, false);
                }
                isSecond = true;
                isPerhapsDone = isDoubtful;
            } catch (BrokerException e) { // the server has refused this try
                throw isPerhapsDone ? doubtful(e) : e;
            } finally {
                if (isWhole) {
                    give(line);
                } else {
                    close(line);
                }
            }
        }
    }

    private static BrokerException doubtful(BrokerException failure) {
        return failure.isDoubtful()
                ? failure
                : new BrokerException(failure.kind(), true, String.valueOf(failure.getMessage()), failure.getCause());
    }

    private List<Object> run(Line line, List<Call> calls, boolean isChange) {
        for (Call call : calls) {
            line.sendCommand(call.command, arguments(call, false));
        }
        List<Object> answers = line.getMany(calls.size());
        for (int i = 0; i < calls.size(); i++) {
            if (calls.get(i).script != null && answers.get(i) instanceof JedisDataException e
                    && String.valueOf(e.getMessage()).startsWith("NOSCRIPT")) { // it has not run
                line.sendCommand(Command.EVAL, arguments(calls.get(i), true));
                answers.set(i, line.getMany(1).getFirst());
            }
        }
        for (Object answer : answers) {
            if (answer instanceof JedisDataException e) {
                if (address.sentinels() != null && Sentinels.isDemoted(e)) {
                    throw SentinelException.demoted();
                }
                throw failure(e, isChange && calls.size() > 1);
            }
        }
        return answers;
    }

    private static byte[][] arguments(Call call, boolean isWhole) {
        if (call.script == null) {
            return call.arguments.toArray(byte[][]::new);
        }
        byte[][] all = new byte[call.arguments.size() + 2][];
        all[0] = isWhole ? call.script.text : call.script.digest;
        all[1] = NO_KEYS;
        for (int i = 2; i < all.length; i++) {
            all[i] = call.arguments.get(i - 2);
        }
        return all;
    }

    private Line take() {
        ensureOpen();
        synchronized (idle) {
            Line last = idle.poll();
            if (last != null) {
                return last;
            }
        }
        return connect(ANSWER_MILLIS);
    }

    /**
     * Opens a connection that the caller closes.
     *
     * @param answerMillis how long to wait for an answer, or 0 for ever
     */
    public Line connect(int answerMillis) {
        ensureOpen();
        try {
            return Sentinels.ensureMaster(address, new Line(new Sockets(address, answerMillis),
                    DefaultJedisClientConfig.builder()
                            .protocol(RedisProtocol.RESP2)
                            .socketTimeoutMillis(answerMillis)
                            .user(address.user())
                            .password(secret)
                            .database(address.database())
                            .clientName("sennit")
                            .build()));
        } catch (JedisException e) {
            throw failure(e, false);
        }
    }

    private void give(Line line) {
        synchronized (idle) {
            if (!isClosed && idle.size() < MOST_IDLE && !line.isBroken()) {
                idle.push(line);
                return;
            }
        }
        close(line);
    }

    private void discardIdle() {
        List<Line> old;
        synchronized (idle) {
            old = List.copyOf(idle);
            idle.clear();
        }
        old.forEach(Server::close);
    }

    /** Closes a connection that a thread may be using. */
    public static void close(Connection line) {
        try {
            line.setBroken(); // nothing is written any more
            line.disconnect();
        } catch (JedisException e) {
            // it is closed
        }
    }

    /** Checks that the broker is not closed. */
    public void ensureOpen() {
        if (isClosed) {
            throw new IllegalStateException("broker " + name + " is closed");
        }
    }

    /** Returns whether the broker is closed. */
    public boolean isClosed() {
        return isClosed;
    }

    @Override
    public void close() {
        isClosed = true;
        discardIdle();
    }

    /** Words a failure in one line, without the password. */
    public BrokerException failure(JedisException error, boolean isDoubtful) {
        String line = line(error);
        String upper = line.toUpperCase(Locale.ROOT);
        if (error instanceof SentinelException e) {
            return of(e.isRefused() ? Kind.REFUSED : Kind.UNAVAILABLE, isDoubtful, " " + line, error);
        }
        if (error instanceof JedisConnectionException) {
            Throwable cause = Sockets.causeOf(error);
            if (cause instanceof GeneralSecurityException) {
                return of(Kind.REFUSED, isDoubtful, " has a certificate that is not trusted (" + line(cause)
                        + "): name the host that it is of, or give ?sslrootcert=FILE", error);
            }
            return of(Kind.UNAVAILABLE, isDoubtful,
                    " cannot be reached (" + line + "): see whether the server runs, and try again", error);
        }
        if (upper.startsWith("WRONGPASS") || upper.startsWith("NOAUTH") || upper.startsWith("ERR AUTH")
                || upper.startsWith("NOPERM") || upper.startsWith("ERR INVALID PASSWORD")) {
            return of(Kind.REFUSED, false, " refuses this user (" + line + "): correct the password or the rights",
                    error);
        }
        if (upper.startsWith("LOADING") || upper.startsWith("OOM") || upper.startsWith("MISCONF")
                || upper.startsWith("READONLY") || upper.startsWith("BUSY") || upper.startsWith("MASTERDOWN")
                || upper.startsWith("NOREPLICAS")) {
            return of(Kind.UNAVAILABLE, isDoubtful, " cannot do it now (" + line + "): try again", error);
        }
        if (upper.contains("DB INDEX IS OUT OF RANGE")) {
            return of(Kind.REFUSED, false, " has no database of this number: name one below the databases setting of"
                    + " the server (16 by default)", error);
        }
        return of(Kind.UNUSABLE, isDoubtful, " fails: " + line, error);
    }

    private BrokerException of(Kind kind, boolean isDoubtful, String what, Throwable error) {
        return new BrokerException(kind, isDoubtful, name + what, isTelling(error) ? null : error);
    }

    private boolean isTelling(Throwable error) {
        int depth = 0;
        for (Throwable each = error; secret != null && each != null && depth < 20; each = each.getCause(), depth++) {
            if (String.valueOf(each).contains(secret)) {
                return true;
            }
        }
        return false;
    }

    private String line(Throwable error) {
        String text = error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage();
        String line = text.replaceAll("\\s+", " ").strip();
        return secret == null ? line : line.replace(secret, "***");
    }
}
