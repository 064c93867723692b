package dev.sennit.queue.celery;

import com.rabbitmq.client.AMQP.BasicProperties;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.queue.foreign.Hearer;
import dev.sennit.queue.foreign.Json;
import dev.sennit.queue.redis.foreign.Server;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Tasks in queues of RabbitMQ, and results in Redis or sent to who waits.
 *
 * <p><b>Leases.</b> A claim is a delivery that is not acknowledged. It is lost with the channel, and RabbitMQ delivers
 * it again, perhaps to this process: if the task still runs here, the new delivery is that of the run
 * ({@link Delivery#adopt}). The token of a run is known to this process alone.
 *
 * <p><b>Ends.</b> RabbitMQ does nothing in one step with anything else. So an end is done in an order in which each cut
 * is harmless: what follows is published and confirmed, then the result is stored, then the delivery is acknowledged. A
 * message that comes again though its result is there is acknowledged and not run. So what follows may be sent twice,
 * with the same ids, if a worker is lost in between; nothing is lost. A run that has succeeded although its delivery
 * was lost ends in the same way if results are kept in Redis: the message comes again, and its result is there then.
 *
 * <p><b>Outages.</b> Messages that were delivered wait in this process, so a worker could begin them while neither
 * their results can be stored nor what follows be sent: all of these would run again elsewhere if this process, or its
 * connection, were lost. So no run begins while ends are held up.
 *
 * <p><b>Losses.</b> A queue that counts deliveries (quorum) says how often a message was lost with its worker. Else the
 * message is published again with a count of its own ({@link Delivery#LOST}), behind what came meanwhile.
 */
final class AmqpTransport implements Transport {
    private static final Logger LOG = System.getLogger(CeleryBroker.class.getName());
    private static final byte[] NOTHING = {};
    private static final int LONGEST_ID = 200;
    private static final int MOST_KNOWN = 10_000;
    /** How many of what waits for its time are shown. */
    private static final int MOST_SCHEDULED = 1_000;
    private static final int MOST_DEAD = 10_000;
    private static final String DEAD = "sennit.celery.dead";
    /** The header with what an earlier run has kept. */
    private static final String CHECKPOINT = "sennit-checkpoint";
    /** The header that says since when no worker has known the task, in ms. */
    private static final String STRANGE = "sennit-strange";
    /** For how long a run goes on whose delivery was lost, and has not come back. */
    private static final long GRACE_NANOS = Duration.ofSeconds(10).toNanos();
    /** After how long what was not asked for is given back. */
    private static final long REST_NANOS = Duration.ofSeconds(2).toNanos();
    /** How long a claim waits for what is on its way, if nobody is told of it. */
    private static final long FIRST_NANOS = 100_000_000;
    /** After how long an end that is being told holds up claims, and after how long they are tried again. */
    private static final long HELD_UP_MILLIS = 500;
    private static final Duration LEAST_STRANGE = Duration.ofMillis(200);
    private static final Duration MOST_STRANGE = Duration.ofMinutes(1);
    private static final Duration TWICE = Duration.ofSeconds(1);
    private static final ErrorInfo UNKNOWN =
            new ErrorInfo("dev.sennit.queue.QueueWorker", "no worker knew the type for too long", "");

    /** A run of this process. */
    private static final class Run {
        final Taken taken;
        final String worker;
        final Delivery delivery;
        /** When its lease ends, by the timers' clock. */
        volatile long leasedUntil;
        /** When the delivery was found lost, or 0. */
        volatile long lostAt;
        /** Whether the time of the delivery is to begin anew. */
        volatile boolean isRenewing;
        volatile boolean isToStop;
        /** Whether a thread ends it: another one that wants to comes too late. */
        final AtomicBoolean isEnding = new AtomicBoolean();
        /** The end whose messages the server has, though not all of it was told; by the thread that ends it. */
        volatile @Nullable Ending sent;
        volatile byte @Nullable [] checkpoint;

        Run(Taken taken, String worker, Delivery delivery, Duration lease) {
            this.taken = taken;
            this.worker = worker;
            this.delivery = delivery;
            leasedUntil = System.nanoTime() + lease.toNanos();
        }
    }

    private final AmqpAddress address;
    private final Link link;
    private final Delays delays;
    private final Keeping keeping;
    private final AmqpNews news;
    private final @Nullable RedisResults results;
    private final Set<String> queues = new ConcurrentSkipListSet<>();
    private final Map<String, Intake> intakes = new ConcurrentHashMap<>();
    /** By the ids of tasks. */
    private final Map<String, Run> runs = new ConcurrentHashMap<>();
    /** All types of the workers of this object, by their ids. */
    private final Map<String, Set<String>> types = new ConcurrentHashMap<>();
    /** Tasks that have ended here, and the last attempts of tasks. */
    private final Map<String, Integer> attempts = bounded(MOST_KNOWN);
    private final Map<Token, Boolean> ended = bounded(MOST_KNOWN);
    private final Map<String, Instant> revoked = bounded(MOST_KNOWN);
    /** Tasks that this object has made wait, by their ids. */
    private final Map<String, Scheduled> scheduled = bounded(MOST_SCHEDULED);
    /** What is being ended, and since when. */
    private final Map<Plan, Long> underWay = new ConcurrentHashMap<>();
    /** Whether an end could not be told, and none since. */
    private volatile boolean isUntold;
    private final Ages ages = new Ages();
    private final AtomicInteger unknown = new AtomicInteger();
    private final AtomicInteger lost = new AtomicInteger();
    private final AtomicInteger crashed = new AtomicInteger();
    private volatile Duration unknownAfter = Upkeep.Limits.USUAL.unknownAfter();
    private volatile @Nullable Owner owner;

    AmqpTransport(AmqpAddress address) {
        this.address = address;
        link = new Link(address, this::restored);
        delays = new Delays(link, address.isQuorum());
        keeping = new Keeping(link, this::renewed);
        news = new AmqpNews(link, envelope -> owner().requested(envelope), address.results() == null);
        RedisAddress store = address.results();
        results = store == null ? null : new RedisResults(store);
    }

    private static <K, V> Map<K, V> bounded(int most) {
        return Collections.synchronizedMap(new LinkedHashMap<>() {
            private static final long serialVersionUID = 1;

            @Override
            protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
                return size() > most;
            }
        });
    }

    private Owner owner() {
        return Objects.requireNonNull(owner, "it has not started");
    }

    @Override
    public void start(Owner theirs) {
        owner = theirs;
        link.connection();
        if (results != null) {
            results.ensureThere();
        }
    }

    private void restored() {
        try {
            news.restore();
        } catch (BrokerException e) {
            LOG.log(Level.DEBUG, "not all news are heard again", e);
            news.hearAgain();
        }
        for (Intake intake : intakes.values()) {
            try {
                intake.reopen();
            } catch (BrokerException e) { // the others are not concerned; the next claim tries again
                LOG.log(Level.DEBUG, "a worker takes nothing yet", e);
            }
        }
    }

    @Override
    public void ensureOpen() {
        link.ensureOpen();
    }

    @Override
    public boolean isClosed() {
        return link.isClosed();
    }

    @Override
    public Instant now() {
        link.ensureOpen();
        return Instant.ofEpochMilli(System.currentTimeMillis());
    }

    // ---- enqueue ----

    @Override
    public void ensureSendable(List<Flow.Sent> sent) {
        if (results == null && sent.stream().anyMatch(each -> !each.sizes().isEmpty())) {
            throw new UnsupportedOperationException(address + " has no " + BrokerFeature.JOINS.name()
                    + " but chains and groups: a chord needs a store of results, as in result=redis://HOST/DB");
        }
    }

    @Override
    public void enqueue(List<Flow.Sent> sent) {
        List<Canvas.Size> sizes = sent.stream().flatMap(each -> each.sizes().stream()).toList();
        if (results != null && !sizes.isEmpty()) {
            results.sizes(sizes, Duration.ofDays(1));
        }
        link.publish(sent.stream().map(each -> post(each.out(), each.out().body())).toList());
    }

    /** Returns the message of a task, which waits if it is not due. */
    private Post post(Canvas.Out out, String body) {
        Post post = Post.of(out, body);
        Instant eta = Message.moment(Json.text(out.envelope().get("headers"), "eta"));
        Duration delay = eta == null ? Duration.ZERO : Duration.between(Instant.now(), eta);
        return delay.toMillis() <= 0
                ? post
                : delays.later(post.properties(), Map.of(), post.body(), out.queue(), delay);
    }

    // ---- claim ----

    @Override
    public Taking claim(ClaimRequest request, Workers.Share share) {
        Intake intake = intakes.computeIfAbsent(request.worker(), worker -> new Intake(link, address, this::adopted,
                () -> told(worker), () -> running(worker)));
        intake.want(request.queues(), share.most());
        if (isHeldUp()) {
            return new Taking(List.of(), HELD_UP_MILLIS);
        }
        List<Delivery> come = take(intake, request, share);
        if (come.isEmpty() && news.hearer(request.worker()) == null) {
            long end = System.nanoTime() + FIRST_NANOS;
            while (come.isEmpty() && System.nanoTime() < end) {
                LockSupport.parkNanos(1_000_000);
                come = take(intake, request, share);
            }
        }
        List<Taken> taken = new ArrayList<>();
        List<Delivery> left = new ArrayList<>(come);
        RuntimeException failure = null;
        try {
            Set<String> done = done(come);
            for (Delivery delivery : come) {
                try {
                    Taken one = taken(intake, request, share, delivery, done);
                    if (one != null) {
                        taken.add(one);
                    }
                    left.remove(delivery);
                } catch (RuntimeException e) { // the others do not wait for it
                    runs.values().removeIf(run -> run.delivery == delivery);
                    failure = e;
                }
            }
        } finally { // what came to nothing comes again with a later claim
            intake.putBack(left);
        }
        if (taken.isEmpty() && failure != null) {
            throw failure;
        }
        return new Taking(taken, -1);
    }

    /** Whether ends cannot be told just now. */
    private boolean isHeldUp() {
        if (isUntold && results != null) {
            results.ensureThere(); // or it throws
            isUntold = false;
        }
        long now = System.nanoTime();
        return underWay.values().stream().anyMatch(since -> now - since > HELD_UP_MILLIS * 1_000_000);
    }

    private int running(String worker) {
        return (int) runs.values().stream().filter(run -> run.worker.equals(worker)).count();
    }

    private void told(String worker) {
        Hearer hearer = news.hearer(worker);
        if (hearer != null) {
            hearer.tellWork();
        }
    }

    private List<Delivery> take(Intake intake, ClaimRequest request, Workers.Share share) {
        Set<String> known = types.getOrDefault(request.worker(), Set.of());
        return intake.take(request.queues(), delivery -> {
            String type = delivery.header("task");
            return type == null || share.types().contains(type) || !known.isEmpty() && !known.contains(type);
        }, share.most());
    }

    /** Returns which of the messages that were delivered before have ended, as their results say. */
    private Set<String> done(List<Delivery> come) {
        Set<String> again = new LinkedHashSet<>();
        for (Delivery delivery : come) {
            String id = delivery.header("id");
            if (id != null && (delivery.isRedelivered() || delivery.losses() > 0)) {
                again.add(id);
            }
        }
        Set<String> done = new HashSet<>();
        if (again.isEmpty()) {
            return done;
        }
        int i = 0;
        List<byte @Nullable []> known = results(again);
        for (String id : again) {
            if (Results.end(id, known.get(i++)) != null) {
                done.add(id);
            }
        }
        return done;
    }

    /** Returns what a delivery is to a worker; or null, and sees to it otherwise. */
    private @Nullable Taken taken(Intake intake, ClaimRequest request, Workers.Share share, Delivery delivery,
            Set<String> done) {
        String id = delivery.header("id");
        String type = delivery.header("task");
        if (id == null || id.isBlank() || id.length() > LONGEST_ID || type == null
                || !"application/json".equals(delivery.properties().getContentType())) {
            refuse(delivery, "application/json".equals(delivery.properties().getContentType())
                    ? "the message is none of protocol 2: it has no id or name"
                    : "the content type is not JSON");
            return null;
        }
        if (done.contains(id)) {
            delivery.acknowledge();
            return null;
        }
        if (!share.types().contains(type)) {
            strange(delivery, id);
            return null;
        }
        if (runs.containsKey(id)) { // it was sent twice: one after the other
            wait(delivery, Map.of(), TWICE);
            return null;
        }
        boolean isUncounted = delivery.isUncounted() && !intake.wasUnbegun(id);
        int losses = delivery.losses() + (isUncounted ? 1 : 0);
        Integer last = attempts.get(id);
        int retries = Math.clamp(delivery.number("retries"), 0, 1_000_000);
        int attempt = Math.max(retries + losses + 1, last == null ? 0 : last + 1);
        String kept = delivery.header(CHECKPOINT);
        String queue = request.queues().stream().filter(each -> address.queue(each).equals(delivery.queue()))
                .findFirst().orElse(delivery.queue());
        var taken = new Taken(id, attempt, losses, kept == null ? NOTHING : checkpoint(kept),
                revoked.containsKey(id), queue, delivery);
        attempts.put(id, attempt);
        runs.put(id, new Run(taken, request.worker(), delivery, request.lease()));
        if (losses > 0 && !taken.isRevoked()) {
            var before = new Taken(id, attempt, losses - 1, taken.checkpoint(), false, queue, delivery);
            Ending ending;
            try {
                ending = owner().crashed(owner().held(before, request.worker()), Ending.Kind.OTHER);
            } catch (RuntimeException e) {
                refuse(taken, owner().why(e));
                return null;
            }
            if (ending.isLast() || isUncounted) {
                (ending.isLast() ? crashed : lost).incrementAndGet();
                end(List.of(ending), true);
                return null;
            }
        }
        return taken;
    }

    private static byte[] checkpoint(String text) {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            return NOTHING;
        }
    }

    /** No type of the worker: another worker may know it, later or elsewhere. */
    private void strange(Delivery delivery, String id) {
        long now = System.currentTimeMillis();
        long since = delivery.number(STRANGE);
        since = since <= 0 || since > now ? now : since;
        Duration waited = Duration.ofMillis(now - since);
        if (waited.compareTo(unknownAfter) < 0) {
            Duration half = waited.dividedBy(2);
            Duration pause = half.compareTo(LEAST_STRANGE) < 0 ? LEAST_STRANGE : half;
            wait(delivery, Map.of(STRANGE, since), pause.compareTo(MOST_STRANGE) > 0 ? MOST_STRANGE : pause);
            return;
        }
        var taken = new Taken(id, 1, 0, NOTHING, false, address.sennitQueue(delivery.queue()), delivery);
        runs.put(id, new Run(taken, "", delivery, Duration.ofMinutes(1)));
        try {
            Held held = owner().held(taken, "");
            end(List.of(owner().ending(held, Ending.Kind.OTHER).dead(DeadReason.UNKNOWN_TYPE, UNKNOWN)), true);
            unknown.incrementAndGet();
        } catch (BrokerException e) {
            throw e;
        } catch (RuntimeException e) {
            refuse(taken, owner().why(e));
        }
    }

    /** Has a message that is no run wait in RabbitMQ. */
    private void wait(Delivery delivery, Map<String, Object> changes, Duration pause) {
        Map<String, Object> all = new HashMap<>(changes);
        int losses = delivery.losses();
        if (losses > 0) {
            all.put(Delivery.LOST, losses);
        }
        link.publish(List.of(delays.later(delivery.properties(), all, delivery.raw(), delivery.queue(), pause)));
        delivery.acknowledge();
    }

    /** Takes a delivery for a run whose own was lost. */
    private boolean adopted(Delivery delivery) {
        Run run = runs.get(String.valueOf(delivery.header("id")));
        if (run == null || !run.delivery.isLost() || !run.delivery.adopt(delivery)) {
            return false;
        }
        run.lostAt = 0;
        return true;
    }

    /** Takes the delivery of a copy. */
    private boolean renewed(Delivery delivery) {
        Run run = runs.get(String.valueOf(delivery.header("id")));
        if (run == null || !run.isRenewing || !run.delivery.adopt(delivery)) {
            return false;
        }
        run.isRenewing = false;
        run.lostAt = 0;
        return true;
    }

    @Override
    public @Nullable Flying flying(String id) {
        return null; // deliveries are of one process
    }

    // ---- ends ----

    /** What the ends of several runs need. */
    private final class Plan {
        final List<Post> posts = new ArrayList<>();
        /** What is noted when the posts are confirmed. */
        final List<Runnable> sent = new ArrayList<>();
        final List<Runnable> after = new ArrayList<>();
        /** What is noted when all that was done. */
        final List<Runnable> notes = new ArrayList<>();
        final List<Run> done = new ArrayList<>();
        /** Those that no other thread may end meanwhile. */
        final List<Run> ending = new ArrayList<>();
    }

    @Override
    public List<Integer> end(List<Ending> endings, boolean isRepeatable) {
        var plan = new Plan();
        boolean isWhole = false;
        try {
            underWay.put(plan, System.nanoTime());
            List<Integer> answers = new ArrayList<>();
            Set<Ending> elsewhere = endedElsewhere(endings);
            long patience = System.nanoTime() + REST_NANOS; // for all of them
            for (Ending ending : endings) {
                Run run = run(ending);
                if (run == null) {
                    answers.add(0);
                } else if (elsewhere.contains(ending)) {
                    runs.remove(run.taken.id(), run);
                    run.delivery.acknowledge();
                    answers.add(0);
                } else if (!run.delivery.isLost() || isKnownByResult(ending) || awaitAdoption(run, patience)) {
                    answers.add(add(plan, ending, run));
                } else {
                    answers.add(0);
                }
            }
            link.publish(plan.posts);
            plan.sent.forEach(Runnable::run);
            plan.after.forEach(Runnable::run);
            plan.notes.forEach(Runnable::run);
            for (Run run : plan.done) {
                runs.remove(run.taken.id(), run);
                run.delivery.acknowledge();
            }
            isWhole = true;
            isUntold = false;
            return answers;
        } catch (BrokerException e) {
            isUntold = true;
            throw e;
        } finally {
            underWay.remove(plan);
            if (!isWhole) { // it may be tried again
                plan.ending.forEach(run -> run.isEnding.set(false));
            }
        }
    }

    private @Nullable Run run(Ending ending) {
        Run run = runs.get(ending.held().id());
        return run != null && run.taken.attempt() == ending.held().attempt() ? run : null;
    }

    /** Whether the message is recognized by the result when it is delivered again: it need not be acknowledged. */
    private boolean isKnownByResult(Ending ending) {
        return results != null && ending.kind() == Ending.Kind.DONE && ending.steps().stream()
                .anyMatch(step -> step instanceof Step.Result result && result.id().equals(ending.held().id()));
    }

    /** Returns the ends that come too late: another run of the same task has ended, which had the message too. */
    private Set<Ending> endedElsewhere(List<Ending> endings) {
        List<Ending> doubtful = endings.stream().filter(ending -> {
            Run run = run(ending);
            return run != null && isKnownByResult(ending) && (run.delivery.isLost() || run.delivery.isRedelivered()
                    || run.delivery.losses() > 0);
        }).toList();
        Set<Ending> late = new HashSet<>();
        if (doubtful.isEmpty()) {
            return late;
        }
        List<byte @Nullable []> known = results(doubtful.stream().map(ending -> ending.held().id()).toList());
        for (int i = 0; i < doubtful.size(); i++) {
            Held held = doubtful.get(i).held();
            EndedTask end = Results.end(held.id(), known.get(i));
            if (end != null && !Server.text(known.get(i)).startsWith(Results.beginning(held.attempt()))) {
                late.add(doubtful.get(i));
            }
        }
        return late;
    }

    /** A run has ended whose delivery was lost: it may come back soon, as the connection does. */
    private boolean awaitAdoption(Run run, long patience) {
        while (run.delivery.isLost() && System.nanoTime() - patience < 0 && !link.isClosed()) {
            LockSupport.parkNanos(10_000_000);
        }
        if (!run.delivery.giveUp()) {
            return true;
        }
        runs.remove(run.taken.id(), run);
        return false;
    }

    private int add(Plan plan, Ending ending, Run run) {
        boolean isEnd = ending.kind() == Ending.Kind.DONE || ending.kind() == Ending.Kind.CANCELLED;
        if (run.isToStop && !isEnd) {
            return 2;
        }
        if (!run.isEnding.compareAndSet(false, true)) {
            return 0;
        }
        plan.ending.add(run);
        int before = plan.posts.size();
        steps(plan, ending.held().id(), ending.held().crashes(), run, ending.steps());
        Ending sent = run.sent;
        if (sent != null && sent.kind() == ending.kind() && sent.isLast() == ending.isLast()) {
            plan.posts.subList(before, plan.posts.size()).clear(); // the same end is told again
        }
        plan.sent.add(() -> run.sent = ending);
        plan.done.add(run);
        if (ending.kind() == Ending.Kind.DONE) {
            plan.notes.add(() -> ended.put(new Token(run.taken.id(), run.taken.attempt()), true));
        }
        if (ending.isLast()) {
            plan.notes.add(() -> revoked.remove(run.taken.id()));
        }
        return 1;
    }

    private void steps(Plan plan, String id, int crashes, Run run, List<Step> steps) {
        List<Step> kept = new ArrayList<>();
        List<Canvas.Size> sizes = new ArrayList<>();
        for (Step step : steps) {
            switch (step) {
                case Step.Send send -> {
                    if (send.always() || !run.isToStop) {
                        plan.posts.add(post(send.out(), send.out().body()));
                    }
                }
                case Step.Once once -> {
                    if (!run.isToStop) {
                        plan.posts.add(post(once.out(), once.out().body()));
                    }
                }
                case Step.Size size -> sizes.add(size.size());
                case Step.Wait wait -> plan.posts.add(again(run, crashes, wait));
                case Step.Result result -> {
                    kept.add(result);
                    reply(plan, result.id(), result.replyTo(), result.meta());
                }
                case Step.Unkept unkept -> {
                    kept.add(unkept);
                    if (run.delivery.properties().getHeaders() != null
                            && run.delivery.properties().getHeaders().containsKey(Message.SENNIT)) {
                        reply(plan, id, unkept.replyTo(), unkept.meta());
                    }
                }
                case Step.State state -> {
                    kept.add(state);
                    reply(plan, id, run.delivery.properties().getReplyTo(), state.meta());
                }
                case Step.Part part -> part(plan, part);
                case Step.Dead dead -> plan.posts.add(dead(run.delivery, dead));
                case Step.Failed _ -> {
                    // RabbitMQ keeps no list of them
                }
            }
        }
        RedisResults store = results;
        if (store != null) {
            if (!sizes.isEmpty()) {
                store.sizes(sizes, address.resultExpires());
            }
            if (!kept.isEmpty()) {
                plan.after.add(() -> store.store(id, kept));
            }
        }
    }

    /** Sends a result to who waits, if results are not kept elsewhere. */
    private void reply(Plan plan, String id, @Nullable String replyTo, byte[] meta) {
        if (results == null && replyTo != null && !replyTo.isEmpty()) {
            plan.posts.add(reply(id, replyTo, meta));
        }
    }

    private static Post reply(String id, String replyTo, byte[] meta) {
        var properties = new BasicProperties.Builder().contentType("application/json").contentEncoding("utf-8")
                .deliveryMode(2).correlationId(id).build();
        return new Post("", replyTo, properties, meta, null);
    }

    private void part(Plan plan, Step.Part part) {
        RedisResults store = results;
        if (store == null) {
            LOG.log(Level.WARNING, address + " - the chord of task " + part.id()
                    + " cannot end: it needs a store of results, as in result=redis://HOST/DB");
            return;
        }
        RedisResults.Gathered gathered = store.part(part);
        if (gathered == null) {
            return;
        }
        String failure = gathered.failure();
        if (failure == null) {
            store.sizes(part.sizes(), part.ttl());
            part.next().forEach(out -> plan.posts.add(post(out, out.filled(gathered.results()))));
        } else {
            part.callbacks().forEach(out -> plan.posts.add(post(out, out.body())));
            byte[] meta = Server.bytes(part.failure().before() + Json.quoted(failure) + part.failure().behind());
            plan.after.add(() -> store.store(part.failure().id(),
                    List.of(new Step.Result(part.failure().id(), part.ttl(), meta, null))));
        }
        plan.after.add(() -> store.forget(part));
    }

    /** Returns the message for another delivery. */
    private Post again(Run run, int crashes, Step.Wait wait) {
        Delivery delivery = run.delivery;
        Map<String, Object> changes = new HashMap<>();
        int losses = wait.how() == Step.Wait.How.NEXT_AFTER_CRASH ? crashes + 1 : crashes;
        if (losses > 0) {
            changes.put(Delivery.LOST, losses);
        }
        byte[] checkpoint = run.checkpoint;
        if (checkpoint != null) {
            changes.put(CHECKPOINT, Base64.getEncoder().encodeToString(checkpoint));
        }
        Instant due = wait.due();
        if (wait.isRetry()) {
            changes.put("retries", Math.clamp(delivery.number("retries"), 0, 1_000_000) + 1);
            changes.put("eta", due == null ? null : Message.time(due));
        }
        if (due == null) {
            return delivery.again(changes);
        }
        scheduled.put(run.taken.id(), new Scheduled(delivery.message(), due));
        return delays.later(delivery.properties(), changes, delivery.raw(), delivery.queue(), wait.delay());
    }

    private Post dead(Delivery delivery, Step.Dead dead) {
        link.declareOther(DEAD, Link.arguments("x-max-length", MOST_DEAD));
        Map<String, Object> about = Map.of("sennit-about", Server.text(dead.about()));
        return Post.again(delivery.properties(), about, dead.raw(), DEAD);
    }

    @Override
    public boolean isRepeated(Token token) {
        return ended.containsKey(token);
    }

    @Override
    public void refuse(Taken taken, String why) {
        refuse((Delivery) taken.place(), why);
        runs.remove(taken.id());
    }

    private void refuse(Delivery delivery, String why) {
        String given = delivery.header("id");
        String id = given == null || given.isBlank() || given.length() > LONGEST_ID ? "unknown" : given;
        var taken = new Taken(id, 1, 0, NOTHING, false, delivery.queue(), delivery);
        var run = new Run(taken, "", delivery, Duration.ofMinutes(1));
        var plan = new Plan();
        List<Step> steps = new ArrayList<>();
        for (Step step : Ending.refused(id, 1, delivery, why, now())) {
            if (!(step instanceof Step.Result result)) {
                steps.add(step);
            } else if (!id.equals("unknown")) {
                steps.add(new Step.Result(result.id(), result.ttl(), result.meta(),
                        delivery.properties().getReplyTo()));
            }
        }
        steps(plan, id, 0, run, steps);
        link.publish(plan.posts);
        plan.after.forEach(Runnable::run);
        delivery.acknowledge();
    }

    @Override
    public List<LeaseState> extend(List<Extension> extensions, Duration lease) {
        link.ensureOpen();
        List<LeaseState> states = new ArrayList<>();
        for (Extension each : extensions) {
            Run run = runs.get(each.token().id());
            if (run == null || run.taken.attempt() != each.token().attempt() || isGone(run)) {
                states.add(LeaseState.LOST);
                continue;
            }
            run.leasedUntil = System.nanoTime() + lease.toNanos();
            if (each.checkpoint() != null) {
                run.checkpoint = each.checkpoint();
            }
            if (each.state() != null) {
                tell(run, each.state());
            }
            if (!run.delivery.isLost() && run.delivery.ageNanos() > address.consumerTimeout().toNanos() / 2) {
                run.isRenewing = true;
                keeping.renew(run.delivery, run.taken.crashes());
            }
            states.add(run.isToStop ? LeaseState.CANCEL_REQUESTED : LeaseState.HELD);
        }
        return states;
    }

    /** Whether the delivery of a run was lost and has not come back. */
    private boolean isGone(Run run) {
        if (!run.delivery.isLost()) {
            run.lostAt = 0;
            return false;
        }
        long now = System.nanoTime();
        if (run.lostAt == 0) {
            run.lostAt = now;
            return false;
        }
        if (now - run.lostAt < GRACE_NANOS || !run.delivery.giveUp()) {
            return false;
        }
        runs.remove(run.taken.id(), run);
        return true;
    }

    private void tell(Run run, byte[] state) {
        String id = run.taken.id();
        String replyTo = run.delivery.properties().getReplyTo();
        if (results != null) {
            results.store(id, List.of(new Step.State(address.resultExpires(), state)));
        } else if (replyTo != null && !replyTo.isEmpty()) {
            link.tell(reply(id, replyTo, state), false);
        }
    }

    // ---- cancel ----

    @Override
    public Found cancel(String id, Collection<String> known) {
        Run run = runs.get(id);
        if (run != null) {
            run.isToStop = true;
            return new Found(true, null);
        }
        for (Intake intake : intakes.values()) {
            Delivery delivery = intake.take(id);
            if (delivery != null) {
                var taken = new Taken(id, 1, delivery.losses(), NOTHING, false,
                        address.sennitQueue(delivery.queue()), delivery);
                runs.put(id, new Run(taken, "", delivery, Duration.ofMinutes(1)));
                return new Found(false, taken);
            }
        }
        revoked(List.of(id));
        return Found.NOTHING;
    }

    @Override
    public Set<String> idsOf(String root, Collection<String> known) {
        List<Delivery> all = new ArrayList<>();
        runs.values().forEach(run -> all.add(run.delivery));
        intakes.values().forEach(intake -> all.addAll(intake.waiting()));
        Set<String> ids = new LinkedHashSet<>();
        for (Delivery delivery : all) {
            String id = delivery.header("id");
            if (id != null && root.equals(delivery.header("root_id"))) {
                ids.add(id);
            }
        }
        ids.add(root); // it is not to begin, wherever it waits
        return ids;
    }

    @Override
    public void revoked(Collection<String> ids) {
        ids.forEach(id -> revoked.put(id, Instant.now()));
        if (results != null) {
            results.revoke(ids);
        }
    }

    @Override
    public List<String> revoked() {
        synchronized (revoked) {
            return List.copyOf(revoked.keySet());
        }
    }

    @Override
    public String stop(String id) {
        Run run = runs.get(id);
        if (run == null) {
            return "";
        }
        run.isToStop = true;
        return run.worker;
    }

    // ---- looking on ----

    @Override
    public void remember(Collection<String> names) {
        queues.addAll(names);
    }

    @Override
    public Set<String> knownQueues() {
        Set<String> known = new TreeSet<>(queues);
        known.add(QueuedTask.USUAL_QUEUE);
        return known;
    }

    @Override
    public List<byte @Nullable []> results(Collection<String> ids) {
        if (results != null) {
            return results.results(ids);
        }
        List<byte @Nullable []> come = new ArrayList<>();
        ids.forEach(id -> come.add(news.result(id)));
        return come;
    }

    @Override
    public List<QueueCounts> counts(Collection<String> known) {
        List<QueueCounts> counts = new ArrayList<>();
        for (String queue : new TreeSet<>(known)) {
            long ready = Math.max(0, link.count(address.queue(queue)));
            for (Intake intake : intakes.values()) {
                ready += intake.waiting().stream().filter(each -> each.queue().equals(address.queue(queue))).count();
            }
            long running = runs.values().stream()
                    .filter(run -> run.delivery.queue().equals(address.queue(queue))).count();
            if (ready > 0 || running > 0) {
                Map<TaskState, Long> states = new EnumMap<>(TaskState.class);
                states.put(TaskState.READY, ready);
                states.put(TaskState.RUNNING, running);
                counts.add(new QueueCounts(queue, states, Ages.told(oldestReady(List.of(queue))), false));
            }
        }
        return counts;
    }

    /** RabbitMQ does not say how old a message is: for how long this object has seen that there are some. */
    @Override
    public Optional<Duration> oldestReady(Collection<String> names) {
        Duration oldest = null;
        for (String name : names) {
            String queue = address.queue(name);
            if (link.count(queue) > 0) {
                Duration age = ages.ofUnknown(queue, now());
                oldest = oldest == null || age.compareTo(oldest) > 0 ? age : oldest;
            } else {
                ages.forget(queue);
            }
        }
        return Optional.ofNullable(oldest);
    }

    @Override
    public List<Scheduled> scheduled() {
        Instant now = now();
        synchronized (scheduled) {
            scheduled.values().removeIf(each -> each.due().isBefore(now));
            return List.copyOf(scheduled.values());
        }
    }

    @Override
    public Upkeep upkeep(Upkeep.Limits limits, Set<String> known, Collection<String> names) {
        unknownAfter = limits.unknownAfter();
        if (results != null) {
            results.revoked().forEach(id -> revoked.putIfAbsent(id, Instant.now()));
        }
        intakes.values().forEach(intake -> giveBack(intake, intake.rest(REST_NANOS, false)));
        for (Run run : runs.values()) {
            if (System.nanoTime() - run.leasedUntil > 0) {
                expired(run);
            }
        }
        return new Upkeep(lost.getAndSet(0), crashed.getAndSet(0), 0, unknown.getAndSet(0), 0, false);
    }

    /** Nobody has renewed the lease of a run: it is over. */
    private void expired(Run run) {
        if (run.delivery.isLost()) { // it may have come to its end while the process stood still, and is told of soon
            isGone(run);
            return;
        }
        try {
            Held held = owner().held(run.taken, run.worker.isEmpty() ? "lost" : run.worker);
            Ending ending = run.isToStop
                    ? owner().ending(held, Ending.Kind.CANCELLED).revoked(false)
                    : owner().crashed(held, Ending.Kind.LOST);
            if (end(List.of(ending), true).getFirst() == 1) {
                (ending.isLast() ? crashed : lost).incrementAndGet();
            }
        } catch (BrokerException e) {
            throw e;
        } catch (RuntimeException e) {
            refuse(run.taken, owner().why(e));
        }
    }

    /** What was not begun stands in line again; it does not count as lost. */
    private void giveBack(Intake intake, List<Delivery> rest) {
        if (rest.isEmpty()) {
            return;
        }
        boolean isGiven = false;
        try {
            link.publish(rest.stream().map(delivery -> {
                int losses = delivery.losses();
                return delivery.again(losses > 0 ? Map.of(Delivery.LOST, losses) : Map.of());
            }).toList());
            isGiven = true;
        } finally {
            if (!isGiven) { // it is given back later
                intake.putBack(rest);
            }
        }
        rest.forEach(Delivery::acknowledge);
    }

    // ---- workers ----

    @Override
    public boolean keepsReports() {
        return results != null;
    }

    @Override
    public void putReport(WorkerReport report, byte[] json) {
        types.put(report.id(), report.types());
        Intake intake = intakes.get(report.id());
        if (intake != null && !report.state().equals("running")) {
            giveBack(intake, intake.rest(0, true));
        }
        if (results != null) {
            results.putReport(report.id(), json);
        }
    }

    @Override
    public void removeReport(String worker) {
        if (results != null) {
            results.removeReport(worker);
        }
    }

    @Override
    public void forget(String worker) {
        types.remove(worker);
        Intake intake = intakes.remove(worker);
        if (intake != null) {
            try {
                giveBack(intake, intake.rest(0, true));
            } finally {
                runs.values().removeIf(run -> run.worker.equals(worker));
                intake.close();
            }
        }
    }

    @Override
    public Map<String, byte[]> reports() {
        return results == null ? news.reports() : results.reports();
    }

    // ---- news ----

    @Override
    public long event(String key, ObjectNode envelope) {
        return news.event(key, envelope) ? 1 : 0;
    }

    @Override
    public void request(ObjectNode envelope) {
        news.request(envelope);
    }

    @Override
    public void reply(String exchange, String key, ObjectNode envelope) {
        news.reply(exchange, key, envelope);
    }

    @Override
    public Broker.Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        var hearer = new Hearer("sennit-celery", interest, listener, this::closed);
        boolean isHeard = false;
        try {
            if (results != null && interest.replyTo() != null) {
                results.news().add(hearer, false);
            }
            news.add(hearer);
            hearer.start(null);
            isHeard = true;
            return hearer;
        } finally {
            if (!isHeard && results != null) {
                results.news().remove(hearer);
            }
        }
    }

    private void closed(Hearer hearer) {
        if (results != null) {
            results.news().remove(hearer);
        }
        news.remove(hearer);
    }

    @Override
    public void expect(Collection<QueuedTask> tasks) {
        if (results != null) {
            results.news().expect(tasks);
        }
    }

    @Override
    public @Nullable Hearer hearer(String worker) {
        return news.hearer(worker);
    }

    @Override
    public Set<String> listening() {
        return news.listening();
    }

    @Override
    public void close() {
        try (results; link) { // whatever fails before
            try {
                news.close();
            } finally {
                intakes.values().forEach(Intake::close);
                keeping.close();
            }
        }
    }
}
