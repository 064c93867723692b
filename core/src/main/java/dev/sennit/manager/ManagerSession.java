package dev.sennit.manager;

import dev.sennit.TaskSerializationException;
import dev.sennit.codec.Effort;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.Reading;
import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Backend;
import dev.sennit.manager.wire.ManagerProtocol;
import dev.sennit.manager.wire.ManagerProtocol.Message;
import dev.sennit.manager.wire.Wire;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A client, as the server sees it, from the greeting to its end.
 *
 * <p>One thread reads the client's messages. It runs calls that cannot wait itself, as waking another thread would cost
 * more than they do; every other call has a virtual thread. {@link #end} releases everything that the client had: locks
 * and permits of bounded semaphores, references to objects, and waiting calls. A call that computes checks now and then
 * that its client is still there ({@link Effort}).
 */
final class ManagerSession {
    /**
     * How many calls of a client may wait at the same time: bounds what a misbehaving client can make the server hold.
     */
    private static final int MOST_WAITING = 100_000;

    /** An object that a client may own, and loses at its end. */
    interface Owned {
        /** Releases what the client owns. Called once, without locks of the session. */
        void abandonedBy(ManagerSession session);
    }

    private final ManagerServer server;
    private final Wire wire;
    private final String name;

    /** Calls on virtual threads, by number. Added by the reading thread, removed by the call's thread. */
    private final Map<Long, WaitingCall> waiting = new ConcurrentHashMap<>();
    /** Guarded by itself. How many proxies of each object the client has. */
    private final Map<Long, Integer> references = new HashMap<>();
    /** Guarded by itself. */
    private final Set<Owned> owned = new HashSet<>();
    /** Guarded by owned; written with references locked as well. */
    private boolean ended;
    /** Set once. */
    private volatile boolean closing;
    /** Only the reading thread. */
    private ManagerProtocol.@Nullable Reader reader;

    /** A call with a thread of its own. */
    private static final class WaitingCall {
        /** Written by the reading thread before the call's thread starts. */
        @Nullable Thread thread;

        volatile boolean cancelled;

        WaitingCall(boolean cancelled) {
            this.cancelled = cancelled;
        }

        void interrupt() {
            cancelled = true;
            Objects.requireNonNull(thread).interrupt();
        }
    }

    ManagerSession(ManagerServer server, Wire wire, String name) {
        this.server = server;
        this.wire = wire;
        this.name = name;
    }

    /** Serves the client until it ends or breaks the protocol. Runs on the reading thread. */
    void serve() {
        try {
            var messages = new ManagerProtocol.Reader(wire, server.longest());
            reader = messages;
            for (Message message = messages.next(); message != null; message = messages.next()) {
                handle(message);
            }
        } catch (IOException e) {
            server.log(name + " - " + e.getMessage());
        } finally {
            wire.close();
            end();
        }
    }

    /** Closes the connection, which ends the reading thread. */
    void close() {
        closing = true;
        wire.close();
    }

    /**
     * Returns whether no client waits for a call any more. A call with its own thread is interrupted then; the reading
     * thread has to look.
     */
    private boolean isUnwanted(@Nullable WaitingCall call) {
        return closing || (call != null ? call.cancelled : reader != null && reader.hasEnded());
    }

    boolean isSilent(Duration lease) {
        return Backend.current().nanoTime() - wire.lastMoved() > lease.toNanos();
    }

    /**
     * Handles a message. Runs on the reading thread. Package-private for tests with messages that no client would send.
     */
    void handle(Message message) throws IOException {
        switch (message.kind()) {
            case ManagerProtocol.CALL, ManagerProtocol.CALL_INTERRUPTED -> call(message);
            case ManagerProtocol.CANCEL -> {
                WaitingCall cancelled = waiting.get(message.call());
                if (cancelled != null) {
                    cancelled.interrupt();
                }
            }
            case ManagerProtocol.RETAIN -> retain(message.object());
            case ManagerProtocol.RELEASE -> release(message.object());
            case ManagerProtocol.PING ->
                wire.send(ManagerProtocol.message(ManagerProtocol.PONG, message.call(), 0), null);
            default -> throw new IOException("a message of unknown kind " + message.kind());
        }
    }

    // ---- calls ----

    private void call(Message message) throws IOException {
        HostedObject target = server.find(message.object());
        if (target == null || target.methods.method(message.method()) == null) {
            var failure = new NoSuchElementException(target == null
                    ? "object " + message.object() + " is gone: nobody had a proxy of it for longer than the lease"
                    : target.description() + " has no method " + message.method());
            wire.send(failure(message, failure), null);
        } else if (!target.mayWait(message.method())) {
            answer(message, target, null);
        } else if (waiting.size() >= MOST_WAITING) {
            wire.send(failure(message, new IllegalStateException(MOST_WAITING + " calls of this client wait already")),
                    null);
        } else {
            var call = new WaitingCall(message.kind() == ManagerProtocol.CALL_INTERRUPTED);
            call.thread = Thread.ofVirtual().name(name + "-call-" + message.call()).unstarted(() -> {
                try {
                    answer(message, target, call);
                } finally {
                    waiting.remove(message.call());
                }
            });
            if (waiting.putIfAbsent(message.call(), call) != null) {
                throw new IOException("two calls of the same number " + message.call());
            }
            try {
                Backend.start(call.thread);
            } catch (OutOfMemoryError e) {
                waiting.remove(message.call());
                wire.send(failure(message, e), null);
            }
        }
    }

    private void answer(Message message, HostedObject target, @Nullable WaitingCall waitingCall) {
        var effort = new Effort(server.longest(), () -> isUnwanted(waitingCall));
        var call = new ServerCall(this, message.thread(), effort);
        ByteBuffer answer;
        try {
            Object value = invoke(message, target, call, effort);
            MessageBuffer body = value == null ? null : TaskCodec.encodeValue(value);
            ensureShort(body, target);
            answer = ManagerProtocol.answer(ManagerProtocol.VALUE, message.call(), body);
        } catch (InterruptedException e) {
            answer = waitingCall != null && waitingCall.cancelled
                    ? ManagerProtocol.answer(ManagerProtocol.CANCELLED, message.call(), null)
                    : failure(message, e);
        } catch (Throwable e) { // an Error fails the call, and the server goes on
            if (call.undo() != null) {
                call.undo().run();
                call.ifUnanswered(() -> {});
            }
            answer = failure(message, e);
        }
        wire.send(answer, call.undo());
    }

    private @Nullable Object invoke(Message message, HostedObject target, ServerCall call, Effort effort)
            throws Throwable {
        Method method = Objects.requireNonNull(target.methods.method(message.method()));
        @Nullable Object[] arguments = arguments(message, method, effort);
        if (message.kind() == ManagerProtocol.CALL_INTERRUPTED && target.mayWait(message.method())) {
            Thread.currentThread().interrupt(); // this thread belongs to the call
        }
        return call.run(() -> {
            try {
                return method.invoke(target.object, arguments);
            } catch (InvocationTargetException e) {
                throw Objects.requireNonNull(e.getCause());
            }
        });
    }

    private @Nullable Object[] arguments(Message message, Method method, Effort effort) {
        if (message.body().length == 0) {
            return new Object[0];
        }
        try {
            return (@Nullable Object[]) Objects.requireNonNull(TaskCodec.decodeValue(
                    message.body(), Reading.forClient(server.allowed(), server.loader(), effort)));
        } catch (TaskSerializationException e) {
            throw new TaskSerializationException(
                    "arguments of " + method.getName() + " refused by the manager: " + e.getMessage(), e);
        }
    }

    private void ensureShort(@Nullable MessageBuffer body, HostedObject target) {
        if (body != null && body.length() > server.longest()) {
            throw new IllegalStateException("what " + target.description() + " returned has " + body.length()
                    + " bytes, and a message at most " + server.longest()
                    + "; see ManagerServer.Builder.longestMessage");
        }
    }

    private ByteBuffer failure(Message message, Throwable failure) {
        MessageBuffer body;
        try {
            body = TaskCodec.encodeFailure(failure);
            if (body.length() > server.longest()) {
                body = TaskCodec.encodeFailure(
                        new IllegalStateException(failure.getClass().getName() + ", too large to be sent"));
            }
        } catch (IOException e) {
            throw new IllegalStateException("a description can always be written", e);
        }
        return ManagerProtocol.answer(ManagerProtocol.FAILURE, message.call(), body);
    }

    // ---- the client's objects ----

    /** Counts another proxy of the client. If the object is gone, the client learns of it when it calls the object. */
    void retain(long id) {
        HostedObject object = server.find(id);
        if (object == null) {
            return;
        }
        synchronized (references) {
            if (!ended && object.retain()) {
                references.merge(id, 1, Integer::sum);
            }
        }
    }

    private void release(long id) {
        synchronized (references) {
            Integer count = references.get(id);
            if (count == null) {
                return; // the object was gone when it was retained
            }
            if (count == 1) {
                references.remove(id);
            } else {
                references.put(id, count - 1);
            }
        }
        server.release(id, 1);
    }

    /** Notes that the client owns something; returns false if the client is gone, and cannot own it. */
    boolean own(Owned one) {
        synchronized (owned) {
            return !ended && owned.add(one);
        }
    }

    void disown(Owned one) {
        synchronized (owned) {
            owned.remove(one);
        }
    }

    boolean hasEnded() {
        synchronized (owned) {
            return ended;
        }
    }

    private void end() {
        List<Owned> left;
        Map<Long, Integer> had;
        synchronized (references) {
            synchronized (owned) {
                ended = true;
                left = List.copyOf(owned);
                owned.clear();
            }
            had = Map.copyOf(references);
            references.clear();
        }
        try {
            waiting.values().forEach(call -> attempt(call::interrupt));
            if (!server.isClosed()) { // else a lock would go to a client that is about to lose the server as well
                left.forEach(one -> attempt(() -> one.abandonedBy(this)));
            }
            had.forEach((id, count) -> attempt(() -> server.release(id, count)));
        } finally {
            server.ended(this);
        }
    }

    /** Runs a step of the clean-up. If it fails, the other steps still run. */
    private void attempt(Runnable step) {
        try {
            step.run();
        } catch (Throwable e) {
            server.log(name + " - cannot give back all that the client had: " + e);
        }
    }

    @Override
    public String toString() {
        return "ManagerSession[" + name + ", " + waiting.size() + " calls wait]";
    }
}
