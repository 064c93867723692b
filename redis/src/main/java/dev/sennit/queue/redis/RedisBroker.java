package dev.sennit.queue.redis;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerEvent;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Firing;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.exceptions.JedisException;

/**
 * The broker in Redis or Valkey, for workers on many machines.
 *
 * {@snippet :
 * import dev.sennit.queue.broker.*;
 * import dev.sennit.queue.redis.RedisBroker;
 *
 * try (RedisBroker broker = RedisBroker.open("redis://:secret@localhost:6379/0?prefix=shop")) { // or Broker.open
 *     broker.enqueue(Batch.of(QueuedTask.of("greet", "\"Ada\"".getBytes()).build()));
 * }
 * }
 *
 * <p>The address is {@code redis://[[USER]:PASSWORD@]HOST[:PORT]/[DB]}, or {@code rediss://} for TLS, and, after
 * {@code ?}:
 *
 * <table>
 * <caption>Options</caption>
 * <tr><th>option</th><th>default</th><th>is</th></tr>
 * <tr><td>prefix</td><td>sennit</td><td>the name before all keys: several brokers share a database by that</td></tr>
 * <tr><td>connections</td><td>3</td><td>how many connections at most, one of them to hear of news</td></tr>
 * <tr><td>replicas</td><td>0</td><td>how many replicas have to confirm a task before {@code enqueue} returns, and the
 *   end of a run before it is one: for 3 seconds, then it throws, with {@link BrokerException#isDoubtful}</td></tr>
 * <tr><td>sslrootcert</td><td>those that Java trusts</td><td>a file with certificates in PEM: one of them has signed
 *   that of the server, or is it</td></tr>
 * </table>
 *
 * <p><b>Sentinel.</b> {@code redis+sentinel://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]...]/[DB]?master=NAME}, or
 * {@code rediss+sentinel://}, names sentinels, of port 26379 by default; the user and the password are those of the
 * servers, {@code &sentinelUser} and {@code &sentinelPassword} those of the sentinels. Sentinels are asked in turn for
 * the master whenever a connection is made. During a failover, methods throw exceptions of the kind
 * {@link BrokerException.Kind#UNAVAILABLE}; workers go on after it. It loses what the new master has not heard of,
 * which {@code &replicas=1} leaves no room for.
 *
 * <p><b>What is kept</b> is what the server keeps. With {@code appendonly yes} and {@code appendfsync always}, a task
 * is on its disk before a method returns. With {@code appendfsync everysec}, a power cut may take the last second or
 * two, and so may a kill of the server while its disk is slow. Without an append-only file, a server that is killed
 * loses what came since its last snapshot; the broker says so in the log. A server that throws keys away when its
 * memory is full is refused.
 *
 * <p><b>Failures.</b> What was never sent is sent again on another connection. If the connection broke before the
 * answer came, what may happen twice is repeated (enqueue, complete, extend, and all that sets or reads something); a
 * claim, a failure and the like throw, with {@link BrokerException#isDoubtful}. A claim that was done nevertheless
 * comes back when its lease ends.
 *
 * <p>A claim and a completion take time in proportion to the logarithm of the number of tasks, and to the number of
 * task types in the queue. All runs on the one thread of the server that runs scripts, one method at a time.
 */
public final class RedisBroker implements Broker {
    /** How many tasks are renewed, completed and so on by one script: others wait meanwhile. */
    private static final int MOST_TASKS = 250;
    /** How many bytes of results go with one script, but for one that has more. */
    private static final long MOST_BYTES = 4_000_000;
    /** How many tasks a script looks at, and lists, for a search. */
    private static final int SCAN = 500;
    private static final int PAGE = 200;

    private final String name;
    private final RedisErrors errors;
    private final byte[] keys;
    private final byte[] channels;
    private final @Nullable InstantSource clock;
    private final News news;
    private final Lanes lanes;

    private RedisBroker(Address address, RedisErrors errors, @Nullable InstantSource clock) {
        name = address.toString();
        this.errors = errors;
        this.clock = clock;
        keys = address.keys().getBytes(StandardCharsets.UTF_8);
        channels = address.channels().getBytes(StandardCharsets.UTF_8);
        news = new News(() -> Link.to(address, News.silenceMillis()), errors, name, address.channels());
        lanes = new Lanes(address, errors);
    }

    /**
     * Opens a broker.
     *
     * @param uri its address
     * @return the broker
     * @throws IllegalArgumentException if the address is none of this kind; the message shows no password
     * @throws BrokerException if the server cannot be reached or used
     */
    public static RedisBroker open(String uri) {
        BrokerUri parsed = BrokerUri.parse(uri);
        if (!Address.isScheme(parsed.scheme())) {
            throw new IllegalArgumentException("the address of a broker in Redis begins with redis:// or rediss://, or"
                    + " redis+sentinel:// or rediss+sentinel://");
        }
        return open(new Address(parsed), null);
    }

    static RedisBroker open(Address address, @Nullable InstantSource clock) {
        var errors = new RedisErrors(address.toString(), address.password());
        try (Link link = Link.to(address)) {
            new Server(link.info()).ensureUsable(address, errors);
        } catch (JedisException e) {
            throw errors.any(e, false);
        } catch (IllegalStateException e) { // an answer that the client library does not understand
            throw errors.foreign(e, false);
        }
        var broker = new RedisBroker(address, errors, clock);
        try {
            long version = broker.number(Script.OPEN, new Arguments()); // also whether scripts and the keys may be used
            if (version != 0) {
                throw errors.of(BrokerException.Kind.UNUSABLE, false, " has tasks in the form " + version
                        + ", which this version of Sennit does not know: use a newer one, or another prefix", null);
            }
            return broker;
        } catch (RuntimeException e) {
            broker.close();
            throw e;
        }
    }

    // ---- how scripts run ----

    /** The arguments that all scripts have: the time of a test, the channels, and a new id to make others of. */
    private List<byte[]> header() {
        String time = clock == null ? "" : Long.toString(ChronoUnit.MICROS.between(Instant.EPOCH, clock.instant()));
        return new Arguments().add(time).add(channels).add(QueuedTask.newId()).all();
    }

    private @Nullable Object run(Script script, Arguments arguments) {
        return lanes.run(new Link.Call(script, keys, header(), arguments.all()));
    }

    private <T> T run(Script script, Arguments arguments, Function<Reply, T> read) {
        Object answer = run(script, arguments);
        try {
            return read.apply(Reply.of(answer));
        } catch (RuntimeException e) {
            throw errors.unreadable(e);
        }
    }

    private long number(Script script, Arguments arguments) {
        return run(script, arguments) instanceof Long number ? number : 0;
    }

    /** Has a script do the same to each, some at a time; the answers are texts or numbers. */
    private <T> List<String> each(Script script, List<T> all, Arguments first, BiConsumer<T, Arguments> write) {
        lanes.ensureNotClosed();
        List<String> answers = new ArrayList<>(all.size());
        for (int from = 0; from < all.size();) {
            var some = new Arguments();
            long size = 0;
            int to = from;
            while (to < all.size() && to - from < MOST_TASKS && size < MOST_BYTES) {
                int before = some.all().size();
                write.accept(all.get(to++), some);
                for (byte[] each : some.all().subList(before, some.all().size())) {
                    size += each.length;
                }
            }
            Arguments arguments = new Arguments();
            first.all().forEach(arguments::add);
            arguments.add(to - from);
            some.all().forEach(arguments::add);
            answers.addAll(run(script, arguments, Reply::texts));
            from = to;
        }
        return answers;
    }

    // ---- the contract ----

    @Override
    public String name() {
        return name;
    }

    @Override
    public Set<BrokerFeature> features() {
        return EnumSet.allOf(BrokerFeature.class);
    }

    @Override
    public List<Enqueued> enqueue(Batch batch) {
        batch.ensureWhole();
        lanes.ensureNotClosed();
        if (batch.isEmpty()) {
            return List.of();
        }
        var problem = new String[1];
        List<Enqueued> enqueued = run(Script.ENQUEUE, new Arguments().add(batch), all -> {
            Reply reply = all.list();
            problem[0] = reply.text();
            List<Enqueued> outcomes = new ArrayList<>();
            while (reply.hasNext()) {
                outcomes.add(new Enqueued(reply.text(), reply.integer() == 1));
            }
            return outcomes;
        });
        if (!problem[0].isEmpty()) {
            throw new IllegalArgumentException(problem[0]);
        }
        return enqueued;
    }

    @Override
    public Claimed claim(ClaimRequest request) {
        Arguments arguments = new Arguments().add(request.worker()).add(request.lease()).add(request.most())
                .addAll(request.queues()).addAll(request.types());
        List<Failure> unreadable = new ArrayList<>();
        Claimed claimed = run(Script.CLAIM, arguments, reply -> {
            long again = reply.number();
            List<Claim> claims = new ArrayList<>();
            Reply all = reply.list();
            while (all.hasNext()) {
                Reply.Begun begun = all.list().begun();
                if (begun.claim() != null) {
                    claims.add(begun.claim());
                } else {
                    unreadable.add(unreadable(begun));
                }
            }
            return new Claimed(claims, again < 0 ? null : Duration.of(again, ChronoUnit.MICROS));
        });
        if (!unreadable.isEmpty()) {
            bury(unreadable);
        }
        return claimed;
    }

    private static Failure unreadable(Reply.Begun begun) {
        var error = new ErrorInfo("UnreadableTask", Objects.requireNonNull(begun.problem()), "");
        return new Failure(begun.token(), error, new Failure.Die(DeadReason.UNREADABLE));
    }

    /** Ends what cannot be read. If that fails, the lease ends, and whoever claims it next tries again. */
    private void bury(List<Failure> unreadable) {
        try {
            each(Script.FAIL, unreadable, new Arguments(), (failure, arguments) -> arguments.add(failure.token().id())
                    .add(failure.token().attempt()).add(failure.error().type()).add(failure.error().message()).add("")
                    .add("U").add(DeadReason.UNREADABLE.name()));
        } catch (BrokerException e) {
            System.getLogger("dev.sennit").log(System.Logger.Level.DEBUG, name + " - cannot end what is unreadable", e);
        }
    }

    @Override
    public List<LeaseState> extend(List<Renewal> renewals, Duration lease) {
        if (!lease.isPositive()) {
            throw new IllegalArgumentException("lease must be > 0, was " + lease);
        }
        return each(Script.EXTEND, renewals, new Arguments().add(lease), (renewal, arguments) -> {
            arguments.add(renewal.token().id()).add(renewal.token().attempt());
            byte[] checkpoint = renewal.checkpoint();
            if (checkpoint == null) {
                arguments.add("");
            } else {
                byte[] marked = new byte[checkpoint.length + 1];
                marked[0] = '+';
                System.arraycopy(checkpoint, 0, marked, 1, checkpoint.length);
                arguments.add(marked);
            }
            arguments.add(renewal.progress() == null ? "" : Reply.progress(renewal.progress()));
        }).stream().map(state -> switch (state) {
            case "H" -> LeaseState.HELD;
            case "C" -> LeaseState.CANCEL_REQUESTED;
            default -> LeaseState.LOST;
        }).toList();
    }

    @Override
    public List<Boolean> complete(List<Completion> completions) {
        completions.forEach(each -> each.successors().ensureWhole());
        return areAccepted(each(Script.COMPLETE, completions, new Arguments(),
                (completion, arguments) -> arguments.add(completion.token().id()).add(completion.token().attempt())
                        .add(completion.result()).add(completion.successors())));
    }

    private static List<Boolean> areAccepted(List<String> answers) {
        return answers.stream().map(answer -> answer.equals("1")).toList();
    }

    @Override
    public List<Boolean> fail(List<Failure> failures) {
        return areAccepted(each(Script.FAIL, failures, new Arguments(), (failure, arguments) -> {
            arguments.add(failure.token().id()).add(failure.token().attempt()).add(failure.error().type())
                    .add(failure.error().message()).add(failure.error().stack());
            switch (failure.verdict()) {
                case Failure.RetryIn retry -> arguments.add("R").add(retry.delay());
                case Failure.Die die -> arguments.add("D").add(die.reason().name());
                case Failure.GiveBack _ -> arguments.add("G").add("");
                case Failure.Crashed _ -> arguments.add("C").add("");
                case Failure.Cancelled _ -> arguments.add("S").add("");
            }
        }));
    }

    @Override
    public @Nullable TaskState cancel(String id) {
        long state = number(Script.CANCEL, new Arguments().add(id).add(false));
        return state < 0 ? null : TaskState.values()[(int) state];
    }

    @Override
    public int cancelAll(String root) {
        return (int) number(Script.CANCEL_ALL, new Arguments().add(root).add(true));
    }

    // ---- those who look on ----

    /** The outcome of a part of a search: how many tasks were changed, what was found, and after which id to go on. */
    private record Part(@Nullable String last, int count, List<TaskView> views) {}

    private Part select(Script script, char what, TaskFilter filter, List<String> ids, int most,
            byte @Nullable [] payload) {
        Arguments arguments = new Arguments().add(String.valueOf(what)).add(most).add(SCAN).add(payload != null)
                .add(payload == null ? new byte[0] : payload).add(filter, ids);
        return run(script, arguments, reply -> {
            String last = reply.text();
            int count = reply.integer();
            List<TaskView> views = new ArrayList<>();
            Reply all = reply.list();
            while (all.hasNext()) {
                views.add(all.list().view());
            }
            return new Part(last.isEmpty() ? null : last, count, views);
        });
    }

    /** Selects tasks a part at a time; returns how many were changed. */
    private int selectAll(Script script, char what, TaskFilter filter, int most, byte @Nullable [] payload,
            List<TaskView> found) {
        lanes.ensureNotClosed();
        List<String> ids = filter.ids().stream().sorted().toList();
        int count = 0;
        int at = 0;
        TaskFilter rest = filter;
        while (found.size() < most) {
            List<String> some = ids.subList(at, Math.min(ids.size(), at + PAGE));
            Part part = select(script, what, rest, some, Math.min(PAGE, most - found.size()), payload);
            count += part.count();
            found.addAll(part.views());
            at += some.size();
            if (!ids.isEmpty() && at < ids.size()) {
                continue;
            }
            if (part.last() == null || !ids.isEmpty()) {
                break;
            }
            rest = filter.after(part.last());
        }
        return count;
    }

    @Override
    public int replay(TaskFilter filter, byte @Nullable [] payload) {
        return selectAll(Script.SELECT, 'R', filter.state(TaskState.DEAD), Integer.MAX_VALUE, payload,
                new ArrayList<>());
    }

    @Override
    public int purge(TaskFilter filter) {
        return selectAll(Script.SELECT, 'P', filter, Integer.MAX_VALUE, null, new ArrayList<>());
    }

    @Override
    public List<TaskView> search(TaskFilter filter, int most) {
        List<TaskView> found = new ArrayList<>();
        selectAll(Script.SEARCH, 'L', filter, most, null, found);
        return found;
    }

    @Override
    public Optional<TaskView> find(String id) {
        return search(TaskFilter.ALL.ids(id), 1).stream().findFirst();
    }

    @Override
    public List<EndedTask> ended(Collection<String> ids) {
        lanes.ensureNotClosed();
        List<EndedTask> ended = new ArrayList<>();
        List<String> all = List.copyOf(new HashSet<>(ids));
        for (int from = 0; from < all.size(); from += MOST_TASKS) {
            List<String> some = all.subList(from, Math.min(all.size(), from + MOST_TASKS));
            run(Script.ENDED, new Arguments().addAll(some), reply -> {
                while (reply.hasNext()) {
                    ended.add(reply.list().ended());
                }
                return true;
            });
        }
        return ended;
    }

    @Override
    public List<QueueCounts> counts() {
        return run(Script.COUNTS, new Arguments(), reply -> {
            Map<String, Map<TaskState, Long>> counts = new TreeMap<>();
            Reply counters = reply.list();
            while (counters.hasNext()) {
                String counter = counters.text();
                TaskState state = TaskState.values()[Integer.parseInt(counter.substring(0, 1))];
                long count = counters.number();
                if (count > 0) { // a task that was damaged may have been counted in another state
                    counts.computeIfAbsent(counter.substring(2), _ -> new EnumMap<>(TaskState.class)).put(state,
                            count);
                }
            }
            Set<Scope> paused = scopes(reply.list());
            paused.stream().filter(scope -> scope.kind() == Scope.Kind.QUEUE)
                    .forEach(scope -> counts.computeIfAbsent(scope.name(), _ -> new EnumMap<>(TaskState.class)));
            Map<String, Duration> oldest = new HashMap<>();
            Reply ages = reply.list();
            while (ages.hasNext()) {
                oldest.put(ages.text(), Duration.ofMillis(ages.number()));
            }
            return counts.entrySet().stream().map(each -> new QueueCounts(each.getKey(), each.getValue(),
                    oldest.get(each.getKey()), paused.contains(Scope.queue(each.getKey())))).toList();
        });
    }

    @Override
    public Optional<Duration> oldestReady(Collection<String> queues) {
        long age = number(Script.OLDEST, new Arguments().addAll(List.copyOf(queues)));
        return age < 0 ? Optional.empty() : Optional.of(Duration.ofMillis(age));
    }

    // ---- settings ----

    private static Set<Scope> scopes(Reply reply) {
        Set<Scope> scopes = new HashSet<>();
        while (reply.hasNext()) {
            String scope = reply.text();
            scopes.add(scope.startsWith("Q") ? Scope.queue(scope.substring(1)) : Scope.type(scope.substring(1)));
        }
        return scopes;
    }

    private void pause(Scope scope, boolean isPaused) {
        run(Script.PAUSE,
                new Arguments().add(scope.kind() == Scope.Kind.QUEUE ? "Q" : "T").add(scope.name()).add(isPaused));
    }

    @Override
    public void pause(Scope scope) {
        pause(scope, true);
    }

    @Override
    public void resume(Scope scope) {
        pause(scope, false);
    }

    @Override
    public Set<Scope> paused() {
        return run(Script.SETTINGS, new Arguments(), reply -> Set.copyOf(scopes(reply.list())));
    }

    /** A limit is kept as its numbers in microseconds, with the place in time of the next task behind them. */
    @Override
    public void limit(String type, @Nullable Rate rate) {
        Objects.requireNonNull(type, "type");
        run(Script.LIMIT, new Arguments().add(type).add(rate == null
                ? ""
                : rate.tasks() + ":" + micros(rate.period()) + ":" + rate.burst() + ":"));
    }

    private static long micros(Duration time) {
        return time.compareTo(Duration.ofDays(36_500)) > 0
                ? ChronoUnit.MICROS.between(Instant.EPOCH, Instant.EPOCH.plus(Duration.ofDays(36_500)))
                : Math.max(1, time.toNanos() / 1000);
    }

    @Override
    public Map<String, Rate> limits() {
        return run(Script.SETTINGS, new Arguments(), reply -> {
            reply.list();
            Map<String, Rate> limits = new TreeMap<>();
            Reply all = reply.list();
            while (all.hasNext()) {
                String type = all.text();
                String[] numbers = all.text().split(":");
                limits.put(type, new Rate(Long.parseLong(numbers[0]),
                        Duration.of(Long.parseLong(numbers[1]), ChronoUnit.MICROS), Long.parseLong(numbers[2])));
            }
            return limits;
        });
    }

    @Override
    public Upkeep upkeep(Upkeep.Limits limits) {
        Arguments arguments =
                new Arguments().add(limits.unknownAfter()).add(limits.deadTtl()).add(limits.workerTtl());
        return run(Script.UPKEEP, arguments, reply -> new Upkeep(reply.integer(), reply.integer(), reply.integer(),
                reply.integer(), reply.integer(), reply.integer() == 1));
    }

    // ---- schedules ----

    @Override
    public boolean putSchedule(ScheduleEntry entry, @Nullable ScheduleEntry before) {
        Arguments arguments = new Arguments().add(entry.name()).add(Reply.fields(entry)).add(before != null);
        if (before != null) {
            arguments.add(before.paused()).add(Reply.text(before.nextDue()));
        }
        return number(Script.PUT_SCHEDULE, arguments) == 1;
    }

    @Override
    public boolean removeSchedule(String schedule) {
        return number(Script.REMOVE_SCHEDULE, new Arguments().add(schedule).add(0)) == 1;
    }

    @Override
    public List<ScheduleEntry> schedules() {
        return run(Script.SCHEDULES, new Arguments(), reply -> {
            List<ScheduleEntry> schedules = new ArrayList<>();
            while (reply.hasNext()) {
                schedules.add(reply.list().schedule());
            }
            schedules.sort(Comparator.comparing(ScheduleEntry::name));
            return schedules;
        });
    }

    @Override
    public Firing.Outcome fire(Firing firing) {
        var batch = new Batch(firing.tasks(), List.of());
        batch.ensureWhole();
        Object outcome = run(Script.FIRE, new Arguments().add(firing.schedule()).add(Reply.text(firing.due()))
                .add(Reply.text(firing.nextDue())).add(firing.unlessUnfinished()).add(batch));
        return switch (outcome instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : "") {
            case "F" -> Firing.Outcome.FIRED;
            case "U" -> Firing.Outcome.UNFINISHED;
            default -> Firing.Outcome.NOT_DUE;
        };
    }

    @Override
    public Instant now() {
        Object micros = run(Script.NOW, new Arguments());
        if (!(micros instanceof byte[] bytes)) {
            throw errors.unreadable(new IllegalArgumentException("no time"));
        }
        return Instant.EPOCH.plus(Long.parseLong(new String(bytes, StandardCharsets.UTF_8)), ChronoUnit.MICROS);
    }

    // ---- workers ----

    @Override
    public void report(WorkerReport report) {
        run(Script.REPORT, new Arguments().add(report.id()).add(Reply.report(report)).addAll(report.types()));
    }

    @Override
    public void forget(String worker) {
        run(Script.FORGET, new Arguments().add(worker));
    }

    @Override
    public List<WorkerReport> workers() {
        return run(Script.WORKERS, new Arguments(), reply -> {
            List<WorkerReport> workers = new ArrayList<>();
            while (reply.hasNext()) {
                workers.add(reply.list().report());
            }
            workers.sort(Comparator.comparing(WorkerReport::id));
            return workers;
        });
    }

    @Override
    public void control(ControlMessage message) {
        run(Script.CONTROL, new Arguments().add(message.worker()).add(Reply.control(message)));
    }

    // ---- listeners and events ----

    @Override
    public Subscription subscribe(BrokerListener.Interest interest, BrokerListener listener) {
        return news.subscribe(interest, listener);
    }

    @Override
    public void keepEvents(Duration time) {
        run(Script.EVENTS, new Arguments().add("K").add(time).add(0));
    }

    @Override
    public List<BrokerEvent> events(long after, int most) {
        return run(Script.EVENTS, new Arguments().add("R").add(after).add(most), reply -> {
            List<BrokerEvent> events = new ArrayList<>();
            while (reply.hasNext()) {
                events.add(Reply.event(reply.bytes()));
            }
            return events;
        });
    }

    @Override
    public void close() {
        news.close();
        lanes.close();
    }

    @Override
    public String toString() {
        return name;
    }
}
