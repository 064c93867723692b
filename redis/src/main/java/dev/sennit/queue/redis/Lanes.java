package dev.sennit.queue.redis;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.redis.foreign.SentinelException;
import dev.sennit.queue.redis.foreign.Sentinels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;

/**
 * The connections of a broker, each with the one thread that uses it: so a caller that is interrupted breaks none, and
 * callers on virtual threads need none of their own.
 *
 * <p><b>Requests</b> wait in one line; a lane takes all that wait there, up to a bound, sends them together and reads
 * the answers, which come in the same order. So many callers share a round trip, and a write to the server's disk;
 * those who enqueue share a script, too. Lanes start when they are needed.
 *
 * <p><b>Failures.</b> A request that was never sent has not happened, and is sent again on another connection. One
 * whose answer was lost is repeated only if it may happen twice; else the caller hears that it is in doubt. What a
 * replica refuses has not happened: if sentinels have named that server, it goes to the one that they name then.
 *
 * <p><b>Replicas.</b> If some are to confirm, a lane waits for them once for all that it has sent together.
 */
final class Lanes implements AutoCloseable {
    /** How long a caller waits until a lane begins with its request. */
    private static final int PATIENCE_SECONDS = 60;
    /** How many requests are sent together. */
    private static final int MOST_TOGETHER = 64;
    /** How many bytes are sent together, but for one request that has more: nobody reads the answers meanwhile. */
    private static final long MOST_BYTES = 1_000_000;
    /** How often a request is tried, and the pauses before. */
    private static final long[] PAUSES = {0, MILLISECONDS.toNanos(50), MILLISECONDS.toNanos(200)};
    private static final int CLOSE_SECONDS = 30;
    /** How long replicas have to confirm. */
    private static final int CONFIRM_MILLIS = 3_000;

    private static final class Request {
        final Link.Call call;
        final CompletableFuture<@Nullable Object> answer = new CompletableFuture<>();
        /** Set by the lane that takes it, or by its caller that has waited for too long. */
        final AtomicBoolean isTaken = new AtomicBoolean();
        // only the lane
        boolean isInDoubt;

        Request(Link.Call call) {
            this.call = call;
        }

        Script.Effect effect() {
            return call.script().effect();
        }

        long size() {
            long size = 0;
            for (byte[] argument : call.arguments()) {
                size += argument.length + 10;
            }
            return size;
        }
    }

    /** Requests that one script answers together. */
    private record Parcel(List<Request> requests) {
        Link.Call call() {
            return Link.Call.together(requests.stream().map(request -> request.call).toList());
        }

        boolean isConfirmed() {
            return requests.getFirst().call.script().isConfirmed();
        }

        void isInDoubt(boolean isSo) {
            requests.forEach(request -> request.isInDoubt = isSo);
        }

        void answer(@Nullable Object answer) {
            if (requests.size() == 1) {
                requests.getFirst().answer.complete(answer);
            } else if (answer instanceof List<?> all && all.size() == requests.size()) {
                for (int i = 0; i < all.size(); i++) {
                    requests.get(i).answer.complete(Collections.singletonList(all.get(i)));
                }
            } else {
                fail(new IllegalStateException("an answer for others"));
            }
        }

        void fail(RuntimeException error) {
            requests.forEach(request -> request.answer.completeExceptionally(error));
        }
    }

    /** An answer that waits for replicas. */
    private record Answered(Parcel parcel, @Nullable Object answer) {}

    /** Packs requests that may go together. */
    private static List<Parcel> parcels(List<Request> requests) {
        List<Parcel> parcels = new ArrayList<>();
        Parcel shared = null;
        for (Request request : requests) {
            if (!request.call.isShared()) {
                parcels.add(new Parcel(List.of(request)));
            } else if (shared == null) {
                shared = new Parcel(new ArrayList<>(List.of(request)));
                parcels.add(shared);
            } else {
                shared.requests.add(request);
            }
        }
        return parcels;
    }

    private final Address address;
    private final RedisErrors errors;
    private final String name;
    private final int most;
    private final byte[] unheard;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition coming = lock.newCondition();
    // guarded by lock
    private final ArrayDeque<Request> requests = new ArrayDeque<>();
    private final List<Lane> lanes = new ArrayList<>();
    private int idle;
    private boolean isClosed;

    Lanes(Address address, RedisErrors errors) {
        this.address = address;
        this.errors = errors;
        name = address.toString();
        most = address.connections() - 1;
        unheard = (address.channels() + "none").getBytes(StandardCharsets.UTF_8);
    }

    /** Has the server run a script, and returns its answer. */
    @Nullable Object run(Link.Call call) {
        var request = new Request(call);
        lock.lock();
        try {
            ensureOpen();
            requests.add(request);
            if (idle > 0) {
                coming.signal();
            } else if (lanes.size() < most) {
                var lane = new Lane(lanes.size() + 1);
                lane.thread.start();
                lanes.add(lane);
            }
        } finally {
            lock.unlock();
        }
        return await(request);
    }

    /** Checks that the broker is not closed. */
    void ensureNotClosed() {
        lock.lock();
        try {
            ensureOpen();
        } finally {
            lock.unlock();
        }
    }

    private void ensureOpen() {
        if (isClosed) {
            throw new IllegalStateException("the broker " + name + " is closed");
        }
    }

    /** A lane that has taken the request answers in bounded time. */
    private @Nullable Object await(Request request) {
        boolean wasInterrupted = false;
        long deadline = System.nanoTime() + SECONDS.toNanos(PATIENCE_SECONDS);
        try {
            while (true) {
                long rest = deadline - System.nanoTime();
                try {
                    return rest > 0 ? request.answer.get(rest, NANOSECONDS) : request.answer.get();
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                } catch (TimeoutException e) {
                    if (request.isTaken.compareAndSet(false, true)) {
                        throw errors.of(BrokerException.Kind.UNAVAILABLE, false, " had no connection free for "
                                + PATIENCE_SECONDS + " s: nothing was changed, try again, or allow more connections",
                                null);
                    }
                } catch (ExecutionException | CompletionException e) {
                    throw passed(e.getCause() == null ? e : e.getCause());
                }
            }
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** An exception of a lane's thread, with the stack of the caller too. */
    private RuntimeException passed(Throwable error) {
        return switch (error) {
            case BrokerException e -> new BrokerException(e.kind(), e.isDoubtful(), String.valueOf(e.getMessage()), e);
            case IllegalArgumentException e -> new IllegalArgumentException(e.getMessage(), e);
            case Error e -> throw e;
            default -> errors.unreadable(error);
        };
    }

    /** One connection and its thread. */
    private final class Lane {
        final Thread thread;
        // only the thread
        private @Nullable Link link;

        Lane(int number) {
            thread = Thread.ofPlatform().daemon().name("sennit-redis-" + number).unstarted(this::serve);
        }

        private void serve() {
            try {
                for (List<Request> group = next(); !group.isEmpty(); group = next()) {
                    try {
                        run(group);
                    } catch (Throwable e) { // each caller has to hear something
                        drop();
                        group.forEach(request -> request.answer.completeExceptionally(e));
                    }
                }
            } finally {
                drop();
            }
        }

        /** Waits for requests and takes some; none if this lane is to end. */
        private List<Request> next() {
            lock.lock();
            try {
                while (true) {
                    List<Request> group = take();
                    if (!group.isEmpty() || isClosed) {
                        return group;
                    }
                    idle++;
                    try {
                        coming.awaitUninterruptibly();
                    } finally {
                        idle--;
                    }
                }
            } finally {
                lock.unlock();
            }
        }

        private List<Request> take() {
            List<Request> group = new ArrayList<>();
            long size = 0;
            while (group.size() < MOST_TOGETHER && size < MOST_BYTES) {
                Request request = requests.poll();
                if (request == null) {
                    break;
                }
                if (request.isTaken.compareAndSet(false, true)) {
                    group.add(request);
                    size += request.size();
                }
            }
            return group;
        }

        /** Answers each request of a group. */
        private void run(List<Request> group) {
            List<Request> open = group;
            for (int tries = 0; !open.isEmpty(); tries++) {
                if (tries > 0) {
                    LockSupport.parkNanos(PAUSES[tries]);
                }
                JedisConnectionException error = attempt(open);
                List<Request> again = new ArrayList<>();
                for (Request request : open) {
                    if (request.answer.isDone()) {
                        continue;
                    }
                    if (error == null || tries == PAUSES.length - 1
                            || request.isInDoubt && request.effect() == Script.Effect.ONCE) {
                        request.answer.completeExceptionally(error == null
                                ? new IllegalStateException("no answer")
                                : errors.broken(error, request.isInDoubt && request.effect() != Script.Effect.NONE));
                    } else {
                        again.add(request);
                    }
                }
                open = again;
            }
        }

        /** Sends requests and reads the answers; returns what has broken the connection before the last one. */
        private @Nullable JedisConnectionException attempt(List<Request> open) {
            try {
                Link own = link;
                if (own != null && own.isIdle() && !isAlive(own)) { // before anything is in doubt
                    drop();
                    own = null;
                }
                if (own == null) {
                    own = Link.to(address);
                    link = own;
                }
                List<Parcel> parcels = parcels(open);
                for (Parcel parcel : parcels) {
                    parcel.isInDoubt(true);
                    own.send(parcel.call());
                }
                own.flush();
                List<Parcel> unknown = new ArrayList<>();
                List<Answered> answered = new ArrayList<>();
                boolean isDemoted = false;
                for (Parcel parcel : parcels) {
                    try {
                        answer(parcel, own.answer(), answered);
                    } catch (JedisDataException e) {
                        if (Link.isUnknownScript(e)) {
                            parcel.isInDoubt(false);
                            unknown.add(parcel);
                        } else {
                            isDemoted |= refuse(parcel, e);
                        }
                    }
                }
                for (Parcel parcel : unknown) {
                    parcel.isInDoubt(true);
                    try {
                        answer(parcel, own.load(parcel.call()), answered);
                    } catch (JedisDataException e) {
                        isDemoted |= refuse(parcel, e);
                    }
                }
                if (!answered.isEmpty()) {
                    confirm(own, answered);
                }
                if (isDemoted) {
                    drop();
                    return SentinelException.demoted();
                }
                return null;
            } catch (JedisConnectionException e) {
                drop();
                return e;
            } catch (JedisDataException e) { // it refuses the connection
                drop();
                RuntimeException refused = errors.refused(e);
                open.forEach(request -> request.answer.completeExceptionally(refused));
                return null;
            }
        }

        private void answer(Parcel parcel, @Nullable Object answer, List<Answered> answered) {
            if (address.replicas() > 0 && parcel.isConfirmed()) {
                answered.add(new Answered(parcel, answer));
            } else {
                parcel.answer(answer);
            }
        }

        /** Returns whether another server is to do it, as this one has become a replica. */
        private boolean refuse(Parcel parcel, JedisDataException error) {
            if (address.sentinels() != null && Sentinels.isDemoted(error)) {
                parcel.isInDoubt(false);
                return true;
            }
            parcel.fail(errors.refused(error));
            return false;
        }

        private void confirm(Link own, List<Answered> answered) {
            int replicas;
            try {
                replicas = own.confirmed(address.replicas(), unheard, CONFIRM_MILLIS);
            } catch (JedisDataException e) {
                if (!Sentinels.isDemoted(e)) {
                    throw e;
                }
                drop();
                answered.forEach(each -> each.parcel.fail(errors.of(BrokerException.Kind.UNAVAILABLE, true,
                        " has it, but has become a replica before its replicas had confirmed it: it may be lost; try"
                                + " again",
                        e)));
                return;
            }
            for (Answered each : answered) {
                if (replicas >= address.replicas()) {
                    each.parcel.answer(each.answer);
                } else {
                    each.parcel.fail(errors.of(BrokerException.Kind.UNAVAILABLE, true, " has it, but " + replicas
                            + " of " + address.replicas() + " replicas have confirmed it within "
                            + CONFIRM_MILLIS / 1000 + " s: a failover may lose it; see INFO replication, and try again",
                            null));
                }
            }
        }

        private static boolean isAlive(Link link) {
            try {
                link.check();
                return true;
            } catch (JedisException e) {
                return false;
            }
        }

        private void drop() {
            Link own = link;
            link = null;
            if (own != null) {
                own.close();
            }
        }
    }

    /** Does what was asked for, and ends the lanes. */
    @Override
    public void close() {
        List<Lane> all;
        lock.lock();
        try {
            isClosed = true;
            coming.signalAll();
            all = List.copyOf(lanes);
        } finally {
            lock.unlock();
        }
        boolean wasInterrupted = false;
        long deadline = System.nanoTime() + SECONDS.toNanos(CLOSE_SECONDS);
        for (Lane lane : all) {
            while (lane.thread != Thread.currentThread() && lane.thread.isAlive()
                    && System.nanoTime() - deadline < 0) {
                try {
                    NANOSECONDS.timedJoin(lane.thread, Math.max(1_000_000, deadline - System.nanoTime()));
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                }
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        lock.lock();
        try {
            return name + ", " + lanes.size() + " of " + most + " lanes, " + requests.size() + " requests wait";
        } finally {
            lock.unlock();
        }
    }
}
