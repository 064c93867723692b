package dev.sennit.queue.redis;

import dev.sennit.queue.redis.foreign.Sentinels;
import dev.sennit.queue.redis.foreign.Sockets;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * One connection to the server, and all commands that the broker sends: AUTH and SELECT by the client library, INFO,
 * EVALSHA, EVAL, SUBSCRIBE, UNSUBSCRIBE and PING; ROLE if sentinels have named the server; PUBLISH and WAIT if replicas
 * are to confirm. The scripts use others.
 *
 * <p>Errors are those of the library: {@code JedisDataException} is an answer of the server,
 * {@code JedisConnectionException} the end of the connection. {@link RedisErrors} words them.
 */
final class Link implements AutoCloseable {
    /** How long an answer may take. */
    private static final int ANSWER_MILLIS = 30_000;
    private static final long IDLE_NANOS = 10_000_000_000L;

    /** Gives access to what the library keeps for its own classes. */
    private static final class Open extends Connection {
        Open(Sockets sockets, JedisClientConfig config) {
            super(sockets, config);
        }

        void send() {
            flush();
        }

        Object next() {
            return readProtocolWithCheckingBroken();
        }
    }

    private final Open connection;
    /** When requests were sent last. Only the thread that sends them. */
    private long used = System.nanoTime();
    /** Held by whoever writes to a connection that hears: the thread that reads does not. */
    private final ReentrantLock writing = new ReentrantLock();

    private Link(Open connection) {
        this.connection = connection;
    }

    /** Opens a connection. */
    static Link to(Address address) {
        return to(address, ANSWER_MILLIS);
    }

    static Link to(Address address, int answerMillis) {
        JedisClientConfig config = DefaultJedisClientConfig.builder().socketTimeoutMillis(answerMillis)
                .user(address.user()).password(address.password()).database(address.database())
                .protocol(RedisProtocol.RESP2).clientName("sennit").build();
        return new Link(Sentinels.ensureMaster(address, new Open(new Sockets(address, answerMillis), config)));
    }

    // ---- scripts ----

    /**
     * A call of a script.
     *
     * @param script which
     * @param key the beginning of all keys
     * @param header the arguments that all scripts have
     * @param arguments those of this one
     */
    record Call(Script script, byte[] key, List<byte[]> header, List<byte[]> arguments) {
        /** Whether the script can do it for several callers: it has their number before their arguments. */
        boolean isShared() {
            return script == Script.ENQUEUE;
        }

        /** Returns one call for several that are shared, or for the only one. */
        static Call together(List<Call> calls) {
            Call first = calls.getFirst();
            if (!first.isShared()) {
                return first;
            }
            List<byte[]> arguments = new ArrayList<>();
            arguments.add(Integer.toString(calls.size()).getBytes(StandardCharsets.US_ASCII));
            calls.forEach(call -> arguments.addAll(call.arguments));
            return new Call(first.script, first.key, first.header, arguments);
        }

        byte[][] command(byte[] which) {
            List<byte[]> command = new ArrayList<>(3 + header.size() + arguments.size());
            command.add(which);
            command.add(new byte[] {'1'});
            command.add(key);
            command.addAll(header);
            command.addAll(arguments);
            return command.toArray(byte[][]::new);
        }
    }

    /** Sends calls, whose answers come in their order. */
    void send(Call call) {
        connection.sendCommand(Protocol.Command.EVALSHA, call.command(call.script.digest()));
    }

    void flush() {
        connection.send();
        used = System.nanoTime();
    }

    /** Whether nothing was sent for so long that the server, or something on the way, may have ended the connection. */
    boolean isIdle() {
        return System.nanoTime() - used > IDLE_NANOS;
    }

    /** Waits until the server has answered. */
    void check() {
        connection.sendCommand(Protocol.Command.PING);
        connection.getOne();
    }

    /** Returns the next answer. */
    @Nullable Object answer() {
        return connection.next();
    }

    /** Has the server run a script that it does not know yet, or not any more. */
    @Nullable Object load(Call call) {
        connection.sendCommand(Protocol.Command.EVAL, call.command(call.script.text()));
        return connection.getOne();
    }

    /**
     * Waits for a while until replicas have what was written so far. A write goes ahead, as {@code WAIT} is for those
     * of this connection: what a repeated call has found done was written over another one.
     *
     * @param replicas how many
     * @param channel one that nobody hears
     * @param millis for how long
     * @return how many have it
     */
    int confirmed(int replicas, byte[] channel, int millis) {
        connection.sendCommand(Protocol.Command.PUBLISH, channel, new byte[0]);
        connection.sendCommand(Protocol.Command.WAIT, Integer.toString(replicas), Integer.toString(millis));
        connection.getOne();
        return connection.getOne() instanceof Long number ? (int) (long) number : 0;
    }

    static boolean isUnknownScript(JedisDataException error) {
        return String.valueOf(error.getMessage()).startsWith("NOSCRIPT");
    }

    /** The server's account of itself. */
    String info() {
        connection.sendCommand(Protocol.Command.INFO);
        byte[] text = connection.getBinaryBulkReply();
        return text == null ? "" : new String(text, StandardCharsets.UTF_8);
    }

    // ---- channels ----

    /** Subscribes to channels; {@link #heard} tells when that is done. May be called beside a reader. */
    void subscribe(List<String> channels) {
        write(Protocol.Command.SUBSCRIBE, channels);
    }

    void unsubscribe(List<String> channels) {
        write(Protocol.Command.UNSUBSCRIBE, channels);
    }

    /** Has the server answer, so that a broken connection is noticed. */
    void ping() {
        write(Protocol.Command.PING, List.of());
    }

    private void write(Protocol.Command command, List<String> arguments) {
        byte[][] bytes = new byte[arguments.size()][];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = arguments.get(i).getBytes(StandardCharsets.UTF_8);
        }
        writing.lock();
        try {
            connection.sendCommand(command, bytes);
            connection.send();
        } finally {
            writing.unlock();
        }
    }

    /**
     * A message on a connection that has subscribed.
     *
     * @param kind {@code message}, {@code subscribe}, {@code unsubscribe} or {@code pong}
     * @param channel the channel
     * @param data the message
     */
    record News(String kind, String channel, byte[] data) {}

    /** Waits for the next news. */
    News heard() {
        Object answer = connection.next();
        List<String> words = new ArrayList<>();
        byte[] data = {};
        if (answer instanceof List<?> list) {
            for (Object each : list) {
                data = each instanceof byte[] bytes ? bytes : new byte[0];
                words.add(new String(data, StandardCharsets.UTF_8));
            }
        }
        if (words.isEmpty()) {
            throw new JedisConnectionException("an answer that is no message");
        }
        return new News(words.get(0), words.size() > 1 ? words.get(1) : "", data);
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (RuntimeException e) {
            // It is broken.
        }
    }
}
