package dev.sennit.loop;

import dev.sennit.internal.Timers;
import dev.sennit.internal.Wait;
import dev.sennit.internal.WaitQueue.Place;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Waits for several channels, and receives from or sends to the first that is ready.
 *
 * {@snippet :
 * var orders = new Channel<String>(10);
 * var log = new Channel<String>(10);
 * orders.send("tea");
 * String done = Select.from(
 *         orders.receiving(order -> "made " + order),
 *         log.sending("idle", () -> "logged"),
 *         Select.after(Duration.ofSeconds(1), () -> "a quiet second"));
 * System.out.println(done);
 * }
 *
 * <p>It is Go's {@code select}. <b>Exactly one clause happens</b>: the others receive and send nothing. Its action runs
 * in the calling thread after the choice, so it may wait; the select returns its result.
 *
 * <ul>
 *   <li>If several clauses can happen, one of them is chosen at random with equal probability.
 *   <li>If none can, the thread waits - unless there is {@link #orElse}, which happens at once then, or {@link #after},
 *       which happens after its time.
 *   <li>A clause can also happen because its channel is closed (and empty, for a clause that receives). Then
 *       {@link ChannelClause#whenClosed} happens; without that, the select throws a {@link ChannelClosedException}.
 * </ul>
 *
 * <p>While it waits, a select stands in the queue of each of its channels, behind those that came before it. A select
 * that is interrupted, or whose time is over, has received and sent nothing, as with {@link Channel}.
 *
 * <p><b>Memory effects</b> are those of the channel.
 *
 * @param <R> the type of the result
 */
public final class Select<R extends @Nullable Object> {
    private final List<ChannelClause<? extends R>> clauses = new ArrayList<>();
    /** The channels of the clauses, in the order in which they are locked. */
    private final List<Channel<?>> channels = new ArrayList<>();
    private @Nullable Otherwise<? extends R> otherwise;

    private Select(List<? extends Clause<? extends R>> given) {
        for (Clause<? extends R> clause : given) {
            switch (clause) {
                case ChannelClause<? extends R> one -> {
                    clauses.add(one);
                    channels.add(one.channel());
                }
                case Otherwise<? extends R> one -> {
                    if (otherwise != null) {
                        throw new IllegalArgumentException("a select may have one orElse or one after, had more");
                    }
                    otherwise = one;
                }
            }
        }
        if (clauses.isEmpty()) {
            throw new IllegalArgumentException("a select needs a clause that receives or sends, had none");
        }
        channels.sort(Comparator.comparingLong(Channel::number));
    }

    /**
     * Waits until one of the clauses can happen, and performs it.
     *
     * @param clauses one or more that receive or send, and {@link #orElse} or {@link #after} at most once
     * @param <R> the type of the result
     * @return the result of the clause's action
     * @throws ChannelClosedException if the channel of a clause is, or is meanwhile, closed, and the clause has no
     *     {@link ChannelClause#whenClosed}
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then no clause has
     *     happened
     */
    @SafeVarargs
    @SuppressWarnings("varargs") // the array is only read
    public static <R extends @Nullable Object> R from(Clause<? extends R>... clauses) throws InterruptedException {
        return from(List.of(clauses));
    }

    /**
     * Waits until one of the clauses can happen, and performs it, as {@link #from(Clause...)}.
     *
     * @param clauses one or more that receive or send, and {@link #orElse} or {@link #after} at most once
     * @param <R> the type of the result
     * @return the result of the clause's action
     * @throws ChannelClosedException if the channel of a clause is, or is meanwhile, closed, and the clause has no
     *     {@link ChannelClause#whenClosed}
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; then no clause has
     *     happened
     */
    public static <R extends @Nullable Object> R from(List<? extends Clause<? extends R>> clauses)
            throws InterruptedException {
        return new Select<R>(clauses).run();
    }

    /**
     * Returns a clause that happens if no other can at once: the select does not wait.
     *
     * @param action called then; its result is that of the select
     * @param <R> the type of the result
     * @return a clause
     */
    public static <R extends @Nullable Object> Clause<R> orElse(Supplier<? extends R> action) {
        return new Otherwise<>(0, Objects.requireNonNull(action, "action"));
    }

    /**
     * Returns a clause that happens if no other could within a time.
     *
     * @param time how long to wait; zero or less is {@link #orElse}
     * @param action called then; its result is that of the select
     * @param <R> the type of the result
     * @return a clause
     */
    public static <R extends @Nullable Object> Clause<R> after(Duration time, Supplier<? extends R> action) {
        return new Otherwise<>(Timers.nanos(time), Objects.requireNonNull(action, "action"));
    }

    // ---- clauses ----

    /**
     * An alternative of a select. Clauses are immutable, and may be used again.
     *
     * @param <R> the type of the result
     */
    public sealed interface Clause<R extends @Nullable Object> {}

    /**
     * A clause that {@linkplain Channel#receiving receives} or {@linkplain Channel#sending sends}.
     *
     * @param <R> the type of the result
     */
    public abstract static sealed class ChannelClause<R extends @Nullable Object> implements Clause<R> {
        private final @Nullable Function<? super ChannelClosedException, ? extends R> whenClosed;

        private ChannelClause(@Nullable Function<? super ChannelClosedException, ? extends R> whenClosed) {
            this.whenClosed = whenClosed;
        }

        /**
         * Returns the same clause with an action for a closed channel, which the select calls instead of throwing.
         *
         * @param action called with the exception; its result is that of the select
         * @return a clause
         */
        public abstract ChannelClause<R> whenClosed(Function<? super ChannelClosedException, ? extends R> action);

        abstract Channel<?> channel();

        /** Performs the clause if it can happen now, and returns its action; else null. With the lock. */
        abstract @Nullable Supplier<? extends R> attempt();

        /** Enters the queue of the channel. With the lock. */
        abstract Standing<R> stand(Wait wait);

        final R closed() {
            ChannelClosedException thrown = channel().closedException();
            if (whenClosed == null) {
                throw thrown;
            }
            return whenClosed.apply(thrown);
        }
    }

    /**
     * A clause in the queue of its channel.
     *
     * @param place its place in the queue
     * @param result called once the place has happened
     * @param leave leaves the queue; called without the lock
     */
    private record Standing<R extends @Nullable Object>(Place<?> place, Supplier<? extends R> result, Runnable leave) {}

    static final class Receive<T, R extends @Nullable Object> extends ChannelClause<R> {
        private final Channel<T> channel;
        private final Function<? super T, ? extends R> action;

        Receive(
                Channel<T> channel,
                Function<? super T, ? extends R> action,
                @Nullable Function<? super ChannelClosedException, ? extends R> whenClosed) {
            super(whenClosed);
            this.channel = channel;
            this.action = action;
        }

        @Override
        public ChannelClause<R> whenClosed(Function<? super ChannelClosedException, ? extends R> other) {
            return new Receive<>(channel, action, Objects.requireNonNull(other, "action"));
        }

        @Override
        Channel<?> channel() {
            return channel;
        }

        @Override
        @Nullable Supplier<? extends R> attempt() {
            T element = channel.takeNow();
            if (element != null) {
                return () -> action.apply(element);
            }
            return channel.isClosed() ? this::closed : null;
        }

        @Override
        Standing<R> stand(Wait wait) {
            Place<T> place = channel.enqueueReceiver(wait);
            return new Standing<>(
                    place,
                    () -> place.closed ? closed() : action.apply(Objects.requireNonNull(place.element)),
                    () -> channel.leaveReceivers(place));
        }
    }

    static final class Send<T, R extends @Nullable Object> extends ChannelClause<R> {
        private final Channel<T> channel;
        private final T element;
        private final Supplier<? extends R> action;

        Send(
                Channel<T> channel,
                T element,
                Supplier<? extends R> action,
                @Nullable Function<? super ChannelClosedException, ? extends R> whenClosed) {
            super(whenClosed);
            this.channel = channel;
            this.element = element;
            this.action = action;
        }

        @Override
        public ChannelClause<R> whenClosed(Function<? super ChannelClosedException, ? extends R> other) {
            return new Send<>(channel, element, action, Objects.requireNonNull(other, "action"));
        }

        @Override
        Channel<?> channel() {
            return channel;
        }

        @Override
        @Nullable Supplier<? extends R> attempt() {
            if (channel.isClosed()) {
                return this::closed;
            }
            return channel.giveNow(element) ? action : null;
        }

        @Override
        Standing<R> stand(Wait wait) {
            Place<T> place = channel.enqueueSender(wait, element);
            return new Standing<>(
                    place,
                    () -> place.closed ? closed() : action.get(),
                    () -> channel.leaveSenders(place));
        }
    }

    private record Otherwise<R extends @Nullable Object>(long nanos, Supplier<? extends R> action)
            implements Clause<R> {}

    // ---- the select ----

    private R run() throws InterruptedException {
        var wait = new Wait();
        List<Standing<? extends R>> standing = new ArrayList<>(clauses.size());
        Supplier<? extends R> happened;
        // All locks at once, as in Go: with one channel after another, the select would miss changes of the first
        // meanwhile, and one channel could end its wait while it takes from another.
        channels.forEach(Channel::lock);
        try {
            Wait.ensureNotInterrupted();
            happened = attempt();
            if (happened == null && nanos() > 0) {
                clauses.forEach(clause -> standing.add(clause.stand(wait)));
            }
        } finally {
            channels.forEach(Channel::unlock);
        }
        if (happened == null) {
            happened = standing.isEmpty() ? Objects.requireNonNull(otherwise).action() : await(wait, standing);
        }
        return happened.get();
    }

    private long nanos() {
        return otherwise == null ? Wait.FOREVER : otherwise.nanos();
    }

    /**
     * Performs one of the clauses that can happen now, each with equal probability; returns its action, null if none
     * can. With all locks.
     */
    private @Nullable Supplier<? extends R> attempt() {
        for (int left = clauses.size(); left > 0; left--) {
            Collections.swap(clauses, left - 1, channels.getFirst().roll(left));
            Supplier<? extends R> happened = clauses.get(left - 1).attempt();
            if (happened != null) {
                return happened;
            }
        }
        return null;
    }

    private Supplier<? extends R> await(Wait wait, List<Standing<? extends R>> standing) throws InterruptedException {
        try {
            wait.await(this, nanos());
        } finally {
            for (Standing<? extends R> one : standing) {
                if (!wait.hasEndedBy(one.place())) {
                    one.leave().run();
                }
            }
        }
        for (Standing<? extends R> one : standing) {
            if (wait.hasEndedBy(one.place())) {
                return one.result();
            }
        }
        return Objects.requireNonNull(otherwise).action();
    }

    @Override
    public String toString() {
        return "Select" + channels;
    }
}
