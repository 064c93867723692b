package dev.sennit.loop;

import dev.sennit.internal.Backend;
import dev.sennit.internal.SuspendingFuture;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.Waits;
import java.lang.System.Logger.Level;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A thread with a mailbox. It handles one message at a time, in the order in which they came, so state that only its
 * handler uses needs no lock.
 *
 * {@snippet :
 * record Deposit(long amount, CompletableFuture<Long> balance) {}
 * var balance = new long[1]; // only the actor touches it
 * try (Actor<Deposit> account = Actor.start(deposit -> {
 *     balance[0] += deposit.amount();
 *     deposit.balance().complete(balance[0]);
 * })) {
 *     CompletableFuture<Long> first = account.ask(reply -> new Deposit(50, reply));
 *     CompletableFuture<Long> second = account.ask(reply -> new Deposit(30, reply));
 *     System.out.println(first.get() + ", then " + second.get());
 * }
 * }
 *
 * <p>{@link #tell} sends a message; {@link #ask} sends a message that carries the future of a reply. The mailbox is a
 * bounded {@link Channel}: a sender that is faster than the actor has to wait.
 *
 * <h2>Failures</h2>
 *
 * <p>An exception of the handler fails the reply of its message. If the message has no reply, the exception goes to the
 * thread's uncaught-exception handler, or it would be lost. Then, by default, the actor is stopped: its state may be
 * half changed. With {@link OnFailure#RESUME} it goes on with the next message; an {@link Error} stops it all the same.
 *
 * <h2>The end</h2>
 *
 * <p>{@link #close} lets the actor handle the messages in the mailbox; {@link #stop}, a failure, or an interrupt of its
 * thread, does not. From then on {@code tell} and {@code ask} throw an {@link ActorClosedException} that has the reason
 * as its cause. <b>Every reply completes</b>: replies to messages that were not handled, and replies that the handler
 * has left open, fail with that exception when the actor ends.
 *
 * <p><b>Memory effects</b>: actions before sending a message <i>happen-before</i> its handling, those in one call of
 * the handler before the next call, and those before completing a reply before the return of its {@code get}.
 *
 * @param <M> the type of the messages: often a sealed interface with a record for each
 */
public final class Actor<M> implements AutoCloseable {
    private static final int DEFAULT_MAILBOX = 1_000;
    private static final AtomicInteger STARTED = new AtomicInteger();

    private final String name;
    private final Handler<M> handler;
    private final OnFailure onFailure;
    private final Channel<Letter<M>> mailbox;
    private final Thread thread;
    /** The cause that stopped the actor; null while there is none. */
    private final AtomicReference<@Nullable Throwable> stopped = new AtomicReference<>();
    /** Replies of handled messages that are not completed yet. */
    private final Set<CompletableFuture<?>> open = ConcurrentHashMap.newKeySet();
    private final CompletableFuture<@Nullable Void> ended = new SuspendingFuture<>();

    private record Letter<M>(M message, @Nullable CompletableFuture<?> reply) {}

    /**
     * The code with which an actor handles messages.
     *
     * @param <M> the type of the messages
     */
    @FunctionalInterface
    public interface Handler<M> {
        /**
         * Handles a message, in the actor's thread. It may wait; {@link #stop} interrupts it.
         *
         * @param message the message
         * @throws Exception any failure; see {@link OnFailure}
         */
        void handle(M message) throws Exception;
    }

    /** What happens to an actor whose handler throws. */
    public enum OnFailure {
        /** The actor is stopped, with the exception as the cause. */
        STOP,
        /** The actor goes on with the next message. */
        RESUME
    }

    private Actor(Builder<M> builder) {
        name = builder.name;
        handler = builder.handler;
        onFailure = builder.onFailure;
        mailbox = new Channel<>(builder.mailbox);
        thread = Objects.requireNonNull(builder.threads.newThread(this::run), "thread of the factory");
        if (thread.getName().isEmpty()) {
            thread.setName(name);
        }
    }

    /**
     * Starts an actor with the defaults: a virtual thread, a mailbox for 1000 messages, {@link OnFailure#STOP}.
     *
     * @param handler what it does with a message
     * @param <M> the type of the messages
     * @return an actor that waits for messages
     */
    public static <M> Actor<M> start(Handler<M> handler) {
        return builder(handler).start();
    }

    /**
     * Returns a builder of an actor, with the default settings.
     *
     * @param handler what it does with a message
     * @param <M> the type of the messages
     * @return a builder
     */
    public static <M> Builder<M> builder(Handler<M> handler) {
        return new Builder<>(handler);
    }

    // ---- sending ----

    /**
     * Sends a message, waiting for room in the mailbox.
     *
     * @param message not null
     * @throws ActorClosedException if the actor is, or is meanwhile, closed or stopped
     * @throws IllegalStateException if the actor itself sends it and the mailbox is full, as the wait would not end
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then the message was not
     *     sent
     */
    public void tell(M message) throws InterruptedException {
        post(new Letter<>(Objects.requireNonNull(message, "message"), null));
    }

    /**
     * Sends a message if there is room in the mailbox.
     *
     * @param message not null
     * @return whether it was sent
     * @throws ActorClosedException if the actor is closed or stopped
     */
    public boolean tryTell(M message) {
        return tryPost(new Letter<>(Objects.requireNonNull(message, "message"), null));
    }

    /**
     * Sends a message that carries the future of its reply, waiting for room in the mailbox.
     *
     * <p>The handler completes the future, at once or later, and can pass it on. A message whose future is done before
     * its turn comes - cancelled by the asker, or timed out - is not handled. To limit the wait, use the methods of
     * futures, such as {@link CompletableFuture#orTimeout}. An actor that waits for its own reply waits forever.
     *
     * @param message makes the message from the future
     * @param <R> the type of the reply
     * @return the future
     * @throws ActorClosedException if the actor is, or is meanwhile, closed or stopped
     * @throws IllegalStateException if the actor itself sends it and the mailbox is full, as the wait would not end
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then the message was not
     *     sent
     */
    public <R extends @Nullable Object> CompletableFuture<R> ask(
            Function<? super CompletableFuture<R>, ? extends M> message) throws InterruptedException {
        var reply = new SuspendingFuture<R>();
        post(new Letter<>(Objects.requireNonNull(message.apply(reply), "message"), reply));
        return reply;
    }

    private void post(Letter<M> letter) throws InterruptedException {
        if (Thread.currentThread() != thread) {
            try {
                mailbox.send(letter);
            } catch (ChannelClosedException e) {
                throw closedException();
            }
        } else if (!tryPost(letter)) {
            throw new IllegalStateException(
                    "mailbox of " + name + " is full, and only " + name + " itself, which sends, could empty it");
        }
    }

    private boolean tryPost(Letter<M> letter) {
        try {
            return mailbox.trySend(letter);
        } catch (ChannelClosedException e) {
            throw closedException();
        }
    }

    private ActorClosedException closedException() {
        Throwable cause = stopped.get();
        return new ActorClosedException(
                "actor " + name + (cause == null ? " is closed" : " was stopped: " + Throwables.text(cause)), cause);
    }

    // ---- the end ----

    /**
     * Closes the mailbox, and waits until its messages are handled and the actor has ended. Called in the actor's own
     * thread, it does not wait.
     *
     * <p>If the calling thread is interrupted, the actor is {@linkplain #stop stopped}, and still waited for.
     */
    @Override
    public void close() {
        mailbox.close();
        if (Thread.currentThread() == thread) {
            return;
        }
        boolean interrupted = false;
        while (!ended.isDone()) {
            try (var _ = Waits.outOfTurn()) {
                ended.get();
            } catch (InterruptedException e) {
                interrupted = true;
                stop();
            } catch (ExecutionException | CancellationException e) {
                // ended() returns how the actor ended
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Stops the actor without handling the messages in the mailbox. Interrupts the handler if it runs, and does not
     * wait for it. Has no effect on an actor that has ended.
     */
    public void stop() {
        if (!ended.isDone() && stop(new CancellationException("stop was called"))) {
            thread.interrupt();
        }
    }

    private boolean stop(Throwable cause) {
        boolean first = stopped.compareAndSet(null, cause);
        mailbox.close();
        return first;
    }

    /**
     * Returns a future of the actor's end: completed after {@link #close}, failed with the cause that stopped the
     * actor, cancelled after {@link #stop}.
     *
     * @return a new future; completing or cancelling it has no effect on the actor
     */
    public CompletableFuture<@Nullable Void> ended() {
        var own = new SuspendingFuture<@Nullable Void>(); // a copy() would wrap the failure
        ended.whenComplete((nothing, failure) -> {
            if (failure == null) {
                own.complete(null);
            } else {
                own.completeExceptionally(failure);
            }
        });
        return own;
    }

    // ---- the actor's thread ----

    private void run() {
        try {
            for (Letter<M> letter = next(); letter != null; letter = next()) {
                handle(letter);
            }
        } finally {
            end();
        }
    }

    private @Nullable Letter<M> next() {
        if (stopped.get() != null) {
            return null;
        }
        try {
            return mailbox.receive();
        } catch (ChannelClosedException e) {
            return null;
        } catch (InterruptedException e) {
            stop(e);
            return null;
        }
    }

    private void handle(Letter<M> letter) {
        CompletableFuture<?> reply = letter.reply;
        if (reply != null && reply.isDone()) {
            return;
        }
        try {
            handler.handle(letter.message);
        } catch (Throwable e) {
            failed(reply, e);
        }
        if (reply != null && !reply.isDone()) {
            open.add(reply);
            reply.whenComplete((value, failure) -> open.remove(reply));
        }
    }

    private void failed(@Nullable CompletableFuture<?> reply, Throwable failure) {
        if (failure instanceof InterruptedException && stopped.get() != null) {
            return; // stopped as requested
        }
        if (onFailure == OnFailure.STOP || failure instanceof Error) {
            stop(failure);
        }
        if (reply == null || !reply.completeExceptionally(failure)) {
            report(failure);
        }
    }

    private void report(Throwable failure) {
        try {
            thread.getUncaughtExceptionHandler().uncaughtException(thread, failure);
        } catch (Throwable e) { // a failing uncaught-exception handler must not end the actor
            System.getLogger("dev.sennit").log(Level.ERROR, name + " - uncaught-exception handler failed", e);
        }
    }

    private void end() {
        mailbox.close(); // so that no message comes in after the refusals below
        for (Letter<M> left = takeLeft(); left != null; left = takeLeft()) {
            if (left.reply != null) {
                left.reply.completeExceptionally(closedException());
            }
        }
        open.forEach(reply -> reply.completeExceptionally(closedException()));
        Throwable cause = stopped.get();
        if (cause == null) {
            ended.complete(null);
        } else {
            ended.completeExceptionally(cause);
        }
    }

    private @Nullable Letter<M> takeLeft() {
        try {
            return mailbox.tryReceive();
        } catch (ChannelClosedException e) {
            return null;
        }
    }

    @Override
    public String toString() {
        String state =
                ended.isDone() ? "ended" : stopped.get() != null ? "stopped" : mailbox.isClosed() ? "closed" : "open";
        return "Actor[" + name + ", " + state + ", " + mailbox.size() + " of " + mailbox.capacity() + " messages]";
    }

    /**
     * Builder of an actor.
     *
     * @param <M> the type of the messages
     */
    public static final class Builder<M> {
        private final Handler<M> handler;
        private String name = "actor-" + STARTED.incrementAndGet();
        private int mailbox = DEFAULT_MAILBOX;
        private OnFailure onFailure = OnFailure.STOP;
        private ThreadFactory threads = Thread.ofVirtual().factory();

        private Builder(Handler<M> handler) {
            this.handler = Objects.requireNonNull(handler, "handler");
        }

        /**
         * Sets the name of the actor in messages, and of its thread. The default is {@code actor} and a number.
         *
         * @param newName the name
         * @return this
         * @throws IllegalArgumentException if it is blank
         */
        public Builder<M> name(String newName) {
            if (newName.isBlank()) {
                throw new IllegalArgumentException("name must not be blank");
            }
            name = newName;
            return this;
        }

        /**
         * Sets how many messages may wait. The default is 1000.
         *
         * @param capacity 0 or more; with 0, a message is sent when the actor is free for it
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder<M> mailbox(int capacity) {
            if (capacity < 0) {
                throw new IllegalArgumentException("mailbox must be >= 0, was " + capacity);
            }
            mailbox = capacity;
            return this;
        }

        /**
         * Sets what happens to the actor when the handler throws. The default is {@link OnFailure#STOP}.
         *
         * @param policy the policy
         * @return this
         */
        public Builder<M> onFailure(OnFailure policy) {
            onFailure = Objects.requireNonNull(policy, "policy");
            return this;
        }

        /**
         * Sets the factory of the actor's only thread. The default makes a virtual thread; in a coroutine, that thread
         * runs on the same loop.
         *
         * @param factory the factory; a thread without a name gets that of the actor
         * @return this
         */
        public Builder<M> threads(ThreadFactory factory) {
            threads = Objects.requireNonNull(factory, "factory");
            return this;
        }

        /**
         * Starts the actor.
         *
         * @return an actor that waits for messages
         */
        public Actor<M> start() {
            var actor = new Actor<>(this);
            Backend.start(actor.thread);
            return actor;
        }
    }
}
