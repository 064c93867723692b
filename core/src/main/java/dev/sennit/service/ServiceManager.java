package dev.sennit.service;

import dev.sennit.TaskSerializationException;
import dev.sennit.TimeSource;
import dev.sennit.internal.Backend;
import dev.sennit.internal.SuspendingFuture;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Uncaught;
import dev.sennit.internal.linux.HeldListeners;
import dev.sennit.internal.machine.FolderOwner;
import dev.sennit.internal.machine.LinuxProcess;
import dev.sennit.internal.view.FigureBook;
import dev.sennit.internal.view.OpenThings;
import dev.sennit.internal.view.TaskObserver.ServiceStep;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongUnaryOperator;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Keeps services alive: starts their workers, replaces workers that die, and reloads and scales services without a gap.
 *
 * {@snippet :
 * import dev.sennit.service.*;
 *
 * try (ServiceManager manager = ServiceManager.create("demo")) {
 *     manager.add(ServiceSettings.of("printer", me -> {
 *         System.out.println("worker " + me.id() + " of " + me.name());
 *         me.awaitStop();
 *     }).workers(2).build());
 *     manager.start();
 *     manager.scale("printer", 3).join();       // a third worker is ready now
 *     manager.reload().join();                  // three new workers have taken the place of the old, one by one
 *     System.out.println(manager.status());
 * }                                             // all workers have ended
 * }
 *
 * <p>The workers of a service have the numbers 0, 1, 2 and so on. A worker that replaces another has the same number;
 * if the number of workers is reduced, the highest numbers stop. Services start in the order of
 * {@link ServiceSettings.Builder#after}, and stop in reverse.
 *
 * <p>The futures that the methods return are done when the services have reached the requested state. They fail with a
 * {@link ServiceException} if that is not possible: a new generation was given up, the service was removed, the manager
 * was shut down, or a worker stays down after too many deaths. While a worker dies again and again, its futures wait:
 * use {@link CompletableFuture#orTimeout}. The futures also wait for {@link #start}. Actions that depend on them run in
 * a thread of the manager and must not block.
 *
 * <p>All methods may be called from any thread. Only {@link #awaitEnd()} and {@link #close} wait for workers.
 */
public final class ServiceManager implements AutoCloseable {
    /** Makes generations; may take long. */
    interface GenerationFactory {
        Generation make(ServiceSettings settings, long number) throws IOException;
    }

    /** A requested state that is not reached yet. */
    private record Goal(BooleanSupplier isReached, Supplier<@Nullable String> obstacle, CompletableFuture<Void> done) {}

    /** The most requests that wait; more are a mistake of a caller that never checks its futures. */
    private static final int MOST_GOALS = 10_000;
    /** The pause before another attempt to start a thread, when none was available. */
    private static final long RETRY_NANOS = 500_000_000;
    private static final Duration LISTENER_LIMIT = Duration.ofSeconds(2);

    private final String name;
    private final TimeSource time;
    private final RandomGenerator random;
    private final LongUnaryOperator memory;
    private final GenerationFactory generations;
    private final FigureBook figures = new FigureBook();
    private final Listeners listeners;
    private final Brain brain = new Brain();
    private final CompletableFuture<Integer> end = new SuspendingFuture<>();
    /** Null in tests. Set before the manager is published. */
    private @Nullable ServiceLog log;
    /** The entry in the list of managers for views. */
    private final OpenThings.Entry<ServiceManager> entry;

    private final ReentrantLock lock = new ReentrantLock();
    // guarded by the lock
    private final Map<String, ServiceGroup> groups = new LinkedHashMap<>();
    private final List<Goal> goals = new ArrayList<>();
    /** Done with the next decision; null if no caller waits for a proof of life. */
    private @Nullable SuspendingFuture<Void> alive;
    private final List<ListenerLane> lanes = new ArrayList<>();
    /** Actions to run once the lock is free: user code, and actions that may take long. */
    private final List<Runnable> afterUnlock = new ArrayList<>();
    /** How often services were reloaded. */
    private long reloads;
    private boolean isStarted;
    private boolean isStopping;
    /** Whether workers are killed without time to stop. */
    private boolean isKilling;
    private boolean isOver;
    /** Whether a worker had to be killed at its stop, or is down after too many deaths. */
    private boolean hasFailed;

    private ServiceManager(
            String name,
            TimeSource time,
            RandomGenerator random,
            LongUnaryOperator memory,
            Listeners listeners,
            GenerationFactory generations) {
        this.name = name;
        this.time = time;
        this.random = random;
        this.memory = memory;
        this.listeners = listeners;
        this.generations = generations;
        HeldListeners.ALL.put(this, listeners);
        entry = ServicesBean.opened(this);
    }

    /**
     * Creates a manager with the defaults, which writes the output of its workers to standard output.
     *
     * @param name what it is called, in the names of threads and in errors
     * @return the manager, which is to be started
     */
    public static ServiceManager create(String name) {
        return create(name, ServiceLog.to(new FileOutputStream(FileDescriptor.out), ServiceLog.Format.TEXT));
    }

    /**
     * Creates a manager with a log.
     *
     * @param name what it is called, in the names of threads and in errors
     * @param log the log for the lines and events of the workers; it is closed with the manager
     * @return the manager, which is to be started
     */
    public static ServiceManager create(String name, ServiceLog log) {
        if (name.isBlank()) {
            throw new IllegalArgumentException("name must not be blank");
        }
        return create(name, log, new Listeners());
    }

    static ServiceManager create(String name, ServiceLog log, Listeners listeners) {
        FolderOwner.namePrefix(); // read now: if it failed later for lack of a descriptor, it would fail for ever
        var manager = new ServiceManager(
                name,
                TimeSource.system(),
                RandomGenerator.getDefault(),
                LinuxProcess::residentBytes,
                listeners,
                (settings, number) -> generation(name, settings, number, listeners, log));
        manager.log = log;
        return manager;
    }

    private static Generation generation(
            String manager, ServiceSettings settings, long number, Listeners listeners, ServiceLog log)
            throws IOException {
        if (!settings.isCommand()) {
            return new Generation(
                    number, settings, new JvmLaunchers(manager, settings, number, listeners, log::sink));
        }
        return new Generation(number, settings, id -> new CommandLauncher(
                settings, settings.name() + "(" + id + ")", log.sink(settings.name(), id)));
    }

    static ServiceManager forTest(
            TimeSource time, RandomGenerator random, LongUnaryOperator memory, GenerationFactory generations) {
        return new ServiceManager("test", time, random, memory, new Listeners(), generations);
    }

    // ---- listeners ----

    /**
     * Listens on an address, for the workers of services that {@linkplain ServiceSettings.Builder#listener name} this
     * listener. The manager itself accepts no connections: they wait until a worker accepts them.
     *
     * @param listener the name of the listener
     * @param address a {@link java.net.InetSocketAddress}, with port 0 for any free port, or a
     *     {@link java.net.UnixDomainSocketAddress}
     * @return the address, with the port in use
     * @throws IllegalArgumentException if there is a listener of that name
     * @throws IOException if the address cannot be bound; the message says why, and what to do
     */
    public SocketAddress listen(String listener, SocketAddress address) throws IOException {
        return listeners.listen(listener, address, null);
    }

    /**
     * Listens on a Unix path as {@link #listen(String, SocketAddress)} does, with permissions that do not depend on the
     * umask. Whoever may write the file may connect.
     *
     * {@snippet :
     * import java.net.UnixDomainSocketAddress;
     * import java.nio.file.attribute.PosixFilePermissions;
     *
     * ServiceManager manager = ServiceManager.create("shop");
     * manager.listen("web", UnixDomainSocketAddress.of("/run/shop/web.sock"),
     *         PosixFilePermissions.fromString("rw-rw----"));
     * }
     *
     * @param listener the name of the listener
     * @param address the path
     * @param permissions those of the file, from the moment at which clients can connect
     * @return the address
     * @throws IllegalArgumentException if there is a listener of that name
     * @throws IOException if the path cannot be bound; the message says why, and what to do
     */
    public SocketAddress listen(
            String listener, UnixDomainSocketAddress address, Set<PosixFilePermission> permissions)
            throws IOException {
        return listeners.listen(listener, address, Set.copyOf(permissions));
    }

    /**
     * Listens on a socket with which systemd has started this process ({@code LISTEN_FDS}). If several sockets have one
     * name, as in a socket unit with several addresses, each call takes the next.
     *
     * @param listener the name of the listener in this manager
     * @param descriptorName the name in the socket unit: {@code FileDescriptorName}
     * @return the address of the socket
     * @throws IllegalArgumentException if there is a listener of that name
     * @throws IOException if systemd has passed no such socket, or the socket does not listen
     */
    public SocketAddress listenOnSystemd(String listener, String descriptorName) throws IOException {
        return listeners.listenOnSystemd(listener, descriptorName, System.getenv());
    }

    /**
     * Closes a listener. A socket of systemd stays open, as the manager could not get it again: clients wait in its
     * queue until a listener {@linkplain #listenOnSystemd takes} the socket.
     *
     * @param listener the name of the listener
     * @throws IllegalArgumentException if there is no such listener, or a service names it
     */
    public void unlisten(String listener) {
        lock.lock();
        try {
            for (ServiceGroup group : groups.values()) {
                Generation former = group.former;
                if (listener.equals(group.settings().listener())
                        || listener.equals(group.newestSettings().listener())
                        || former != null && listener.equals(former.settings().listener())) {
                    throw new IllegalArgumentException(
                            "service " + group.name + " accepts on listener " + listener + ": change that first");
                }
            }
            listeners.unlisten(listener);
        } finally {
            unlock();
        }
    }

    /**
     * The listeners.
     *
     * @return in the order in which they came
     */
    public List<ListenerStatus> listeners() {
        return listeners.status();
    }

    /**
     * The figures of all services that have told any, or of which processes have died. Sums are those of all processes
     * of a generation, also of such as have ended; of generations without processes, the last few are there.
     *
     * @return by service and generation
     */
    public List<ServiceStatus.Figures> figures() {
        return figures.totals().stream()
                .map(one -> new ServiceStatus.Figures(
                        one.service(), one.generation(), one.sums(), one.gauges(), one.deaths()))
                .toList();
    }

    // ---- services ----

    /**
     * Adds a service. Its workers start at once if the manager was {@linkplain #start started}, and otherwise at the
     * start.
     *
     * @param settings the settings of the service
     * @throws IllegalArgumentException if there is a service of that name, or if it names an unknown service in
     *     {@code after} or an unknown {@linkplain #listen listener}
     * @throws IllegalStateException if the manager is shut down
     * @throws TaskSerializationException naming what the service captured that cannot travel
     * @throws IOException if its class path cannot be copied
     */
    public void add(ServiceSettings settings) throws IOException {
        Generation first = generations.make(settings, 1);
        boolean isAdded = false;
        lock.lock();
        try {
            ensureOpen();
            if (groups.containsKey(settings.name())) {
                throw new IllegalArgumentException("there is a service " + settings.name() + " already");
            }
            for (String other : settings.after()) {
                group(other);
            }
            listeners.ensureThere(settings);
            groups.put(settings.name(), new ServiceGroup(settings, first));
            isAdded = true;
        } finally {
            unlock();
            if (!isAdded) {
                first.launchers().retire();
            }
        }
        brain.poke();
    }

    /**
     * Removes a service, and stops its workers.
     *
     * @param service its name
     * @return done when they have ended
     * @throws IllegalArgumentException if there is no such service, or another comes after it
     */
    public CompletableFuture<Void> remove(String service) {
        lock.lock();
        try {
            ServiceGroup group = group(service);
            for (ServiceGroup other : groups.values()) {
                if (!other.isRemoved && other.newestSettings().after().contains(service)) {
                    throw new IllegalArgumentException(
                            "service " + other.name + " comes after " + service + ": remove that first");
                }
            }
            group.isRemoved = true;
            return goal(() -> !groups.containsValue(group), () -> null);
        } finally {
            unlock();
            brain.poke();
        }
    }

    /**
     * Sets the number of workers of a service. If there are too many, the workers with the highest numbers stop; the
     * others are not affected.
     *
     * @param service its name
     * @param workers the number of workers, from 0
     * @return done when this number of workers is ready and no more workers run
     * @throws IllegalArgumentException if there is no such service, or the number is out of range
     */
    public CompletableFuture<Void> scale(String service, int workers) {
        if (workers < 0 || workers > ServiceSettings.MOST_WORKERS) {
            throw new IllegalArgumentException(
                    "workers must be from 0 to " + ServiceSettings.MOST_WORKERS + ", was " + workers);
        }
        lock.lock();
        try {
            ServiceGroup group = group(service);
            group.scale(workers);
            group.isEscalated = false;
            return goal(
                    () -> group.isUp() && group.hasOnlyWanted(),
                    () -> group.wanted == workers
                            ? group.obstacle()
                            : "service " + service + " was told to have " + group.wanted + " workers since");
        } finally {
            unlock();
            brain.poke();
        }
    }

    /**
     * Gives a service new settings: makes a new generation, as {@link #reload(String)} does, with the number of workers
     * in the settings.
     *
     * @param settings the settings, with the name of the service
     * @return done when all workers are of the new generation, and no more workers run
     * @throws IllegalArgumentException if there is no such service or listener, or if services would come after each
     *     other in a cycle
     * @throws TaskSerializationException naming what the service captured that cannot travel
     * @throws IOException if its class path cannot be copied
     */
    public CompletableFuture<Void> reconfigure(ServiceSettings settings) throws IOException {
        lock.lock();
        try {
            ensureNoCircle(settings, name -> group(name).newestSettings());
        } finally {
            unlock();
        }
        return renew(List.of(settings), true);
    }

    /**
     * Sets all services of the manager in one step: adds new services, removes missing services, and gives the others
     * their settings, as {@link #reload()} does. A service keeps the number of workers that it was
     * {@linkplain #scale scaled} to, unless the number in its settings has changed. A service whose settings are the
     * same object as before is {@linkplain #reload(String) reloaded}.
     *
     * @param all the settings, in any order
     * @return done when all services are as their settings say, and the workers of the others have ended
     * @throws IllegalArgumentException if two services have one name, a service comes after a missing service, services
     *     come after each other in a cycle, or a service names an unknown listener
     * @throws IllegalStateException if the manager is shut down, or if services were added or removed at the same time,
     *     or if the removal of a service of the same name has not ended yet
     * @throws TaskSerializationException naming what a service captured that cannot travel
     * @throws IOException if a class path cannot be copied; then nothing has changed
     */
    public CompletableFuture<Void> reconfigure(Collection<ServiceSettings> all) throws IOException {
        Map<String, ServiceSettings> byName = new LinkedHashMap<>();
        for (ServiceSettings settings : all) {
            if (byName.put(settings.name(), settings) != null) {
                throw new IllegalArgumentException("there are two services " + settings.name());
            }
        }
        ensureOrder(byName);
        Map<String, Generation> made = new LinkedHashMap<>();
        boolean isSet = false;
        try {
            for (Map.Entry<String, Long> one : numbersOf(byName).entrySet()) {
                made.put(one.getKey(),
                        generations.make(Objects.requireNonNull(byName.get(one.getKey())), one.getValue()));
            }
            CompletableFuture<Void> done = become(byName, made);
            isSet = true;
            return done;
        } finally {
            if (!isSet) {
                made.values().forEach(one -> one.launchers().retire());
            }
            brain.poke();
        }
    }

    /** Returns the numbers of the new generations; a service that reloads in place needs none. */
    private Map<String, Long> numbersOf(Map<String, ServiceSettings> all) {
        Map<String, Long> numbers = new LinkedHashMap<>();
        lock.lock();
        try {
            ensureOpen();
            all.forEach((service, settings) -> {
                ServiceGroup group = groups.get(service);
                if (group == null) {
                    numbers.put(service, 1L);
                } else if (group.isRemoved) {
                    throw new IllegalStateException(
                            "service " + service + " is being removed: wait until its workers have ended");
                } else if (!settings.reloadsInPlace() || group.newestSettings() != settings) {
                    numbers.put(service, ++group.newest);
                }
            });
        } finally {
            unlock();
        }
        return numbers;
    }

    private CompletableFuture<Void> become(Map<String, ServiceSettings> all, Map<String, Generation> made) {
        lock.lock();
        try {
            ensureOpen();
            for (String service : all.keySet()) {
                ServiceGroup group = groups.get(service);
                Generation next = made.get(service);
                boolean isNew = next != null && next.number() == 1;
                boolean isStale = group != null
                        && (group.isRemoved || (next == null
                                ? group.newestSettings() != all.get(service)
                                : next.number() < group.newestSet));
                if (isNew != (group == null) || isStale) {
                    throw new IllegalStateException("services were changed at the same time: try again");
                }
            }
            all.values().forEach(listeners::ensureThere);
            long number = ++reloads;
            List<ServiceGroup> asked = new ArrayList<>();
            List<ServiceGroup> removed = groups.values().stream()
                    .filter(group -> !all.containsKey(group.name))
                    .toList();
            all.forEach((service, settings) -> {
                ServiceGroup group = groups.get(service);
                Generation next = made.get(service);
                if (group == null) {
                    group = new ServiceGroup(settings, Objects.requireNonNull(next));
                    groups.put(service, group);
                } else if (next == null) {
                    group.reloads++;
                    group.isEscalated = false;
                } else {
                    boolean isOtherCount = settings.workers() != group.newestSettings().workers();
                    setPending(group, next, number, isOtherCount);
                }
                asked.add(group);
            });
            removed.forEach(group -> group.isRemoved = true);
            tellReloading(List.copyOf(all.keySet()));
            return goal(
                    () -> asked.stream().noneMatch(ServiceGroup::isRolling)
                            && asked.stream().allMatch(ServiceGroup::isUp)
                            && asked.stream().allMatch(ServiceGroup::hasOnlyWanted)
                            && asked.stream().allMatch(one -> one.hasTakenOrders() && one.former == null)
                            && removed.stream().noneMatch(groups::containsValue),
                    () -> obstacle(asked, number));
        } finally {
            unlock();
        }
    }

    /** Checks that each service comes after existing services, and that there is no cycle. */
    private static void ensureOrder(Map<String, ServiceSettings> all) {
        all.forEach((service, settings) -> {
            for (String other : settings.after()) {
                if (!all.containsKey(other)) {
                    throw new IllegalArgumentException(
                            "service " + service + " comes after " + other + ", which is not among them");
                }
            }
            ensureNoCircle(settings, other -> Objects.requireNonNull(all.get(other)));
        });
    }

    /**
     * Reloads all services: starts new workers, which replace the old workers when they are ready. A service that comes
     * after others waits until these are reloaded. If a new worker does not get ready, the old workers serve on.
     *
     * @return done when all workers are of the new generation
     * @throws IllegalStateException if a service got other settings at the same time
     * @throws IOException if a class path cannot be copied
     */
    public CompletableFuture<Void> reload() throws IOException {
        List<ServiceSettings> all;
        lock.lock();
        try {
            all = groups.values().stream()
                    .filter(group -> !group.isRemoved)
                    .map(ServiceGroup::newestSettings)
                    .toList();
        } finally {
            unlock();
        }
        return renew(all, false);
    }

    /**
     * Reloads a service.
     *
     * @param service its name
     * @return done when all its workers are of the new generation
     * @throws IllegalArgumentException if there is no such service
     * @throws IllegalStateException if the service got other settings at the same time
     * @throws IOException if its class path cannot be copied
     */
    public CompletableFuture<Void> reload(String service) throws IOException {
        ServiceSettings settings;
        lock.lock();
        try {
            settings = group(service).newestSettings();
        } finally {
            unlock();
        }
        return renew(List.of(settings), false);
    }

    /**
     * Replaces the workers of a service, one by one, by workers of the same generation. Starts workers that have
     * failed.
     *
     * @param service its name
     * @return done when all have been replaced
     * @throws IllegalArgumentException if there is no such service
     */
    public CompletableFuture<Void> restart(String service) {
        lock.lock();
        try {
            ServiceGroup group = group(service);
            group.isEscalated = false;
            Map<ServiceGroup.Place, Long> asked = new HashMap<>();
            group.places.values().forEach(place -> asked.put(place, ++place.restarts));
            return goal(
                    () -> group.isUp()
                            && asked.entrySet().stream()
                                    .noneMatch(one -> one.getKey().slot.isToRestart(one.getValue())),
                    () -> asked.entrySet().stream()
                            .filter(one -> one.getKey().slot.hasGivenUpRestart(one.getValue()))
                            .map(one -> "worker " + one.getKey().slot.id() + " of service " + service
                                    + " was not restarted, the former process goes on: "
                                    + one.getKey().slot.whyRestartWasGivenUp())
                            .findFirst()
                            .orElseGet(group::obstacle));
        } finally {
            unlock();
            brain.poke();
        }
    }

    /**
     * Makes new generations, outside of the lock, and sets them as the pending generations.
     *
     * @param isChange whether the settings may differ from those before: then no service is reloaded in place
     */
    private CompletableFuture<Void> renew(List<ServiceSettings> all, boolean isChange) throws IOException {
        List<Generation> made = new ArrayList<>();
        boolean isSet = false;
        try {
            for (ServiceSettings settings : all) {
                if (isChange || !settings.reloadsInPlace()) {
                    made.add(generations.make(settings, nextNumber(settings.name())));
                }
            }
            CompletableFuture<Void> done = setPending(all, made, isChange);
            isSet = true;
            return done;
        } finally {
            if (!isSet) {
                made.forEach(one -> one.launchers().retire());
            }
            brain.poke();
        }
    }

    private long nextNumber(String service) {
        lock.lock();
        try {
            return ++group(service).newest;
        } finally {
            unlock();
        }
    }

    private CompletableFuture<Void> setPending(
            List<ServiceSettings> all, List<Generation> made, boolean isChange) {
        lock.lock();
        try {
            ensureOpen();
            for (ServiceSettings settings : all) {
                group(settings.name());
                ensureNoCircle(settings, name -> group(name).newestSettings()); // again, as others may have changed
                listeners.ensureThere(settings);
            }
            for (Generation next : made) {
                ServiceGroup group = group(next.settings().name());
                boolean isLast = next.number() >= group.newestSet;
                if (!isChange && isLast && next.settings() != group.newestSettings()) { // it would undo these
                    throw new IllegalStateException(
                            "service " + group.name + " was changed at the same time: try again");
                }
            }
            List<ServiceGroup> renewed = new ArrayList<>();
            long number = ++reloads;
            for (Generation next : made) {
                ServiceGroup group = group(next.settings().name());
                renewed.add(group);
                setPending(group, next, number, isChange);
            }
            for (ServiceSettings settings : all) {
                if (!isChange && settings.reloadsInPlace()) {
                    group(settings.name()).reloads++;
                    group(settings.name()).isEscalated = false;
                }
            }
            List<String> names = all.stream().map(ServiceSettings::name).toList();
            tellReloading(names);
            List<ServiceGroup> asked = all.stream().map(settings -> group(settings.name())).toList();
            return goal(
                    () -> renewed.stream().noneMatch(ServiceGroup::isRolling)
                            && renewed.stream().allMatch(ServiceGroup::isUp)
                            && renewed.stream().allMatch(ServiceGroup::hasOnlyWanted)
                            && asked.stream().allMatch(one -> one.isRemoved || one.hasTakenOrders()),
                    () -> obstacle(renewed, number));
        } finally {
            unlock();
        }
    }

    /** Sets the generation that a service runs when it is the service's turn. The caller holds the lock. */
    private void setPending(ServiceGroup group, Generation next, long reload, boolean hasOtherCount) {
        if (next.number() < group.newestSet) { // a newer reload was faster, and counts
            retireLater(next);
            return;
        }
        Generation overtaken = group.pending;
        if (overtaken != null) {
            retireLater(overtaken);
        }
        if (hasOtherCount) {
            group.wantBy(next.settings().workers());
        }
        group.newestSet = next.number();
        group.newest = Math.max(group.newest, next.number()); // it may be another service of the same name
        group.pending = next;
        group.pendingReload = reload;
        group.isEscalated = false;
    }

    /** Returns why services do not reach the state of a reload; null if they may. */
    private static @Nullable String obstacle(List<ServiceGroup> reloaded, long reload) {
        return reloaded.stream()
                .map(group -> group.givenUpReload >= reload ? group.givenUp : group.obstacle())
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
    }

    // ---- life of the manager ----

    /**
     * Starts the workers.
     *
     * @throws IllegalStateException if the manager was started before, or is shut down
     * @throws OutOfMemoryError if no thread is available
     */
    public void start() {
        lock.lock();
        try {
            ensureOpen();
            if (isStarted) {
                throw new IllegalStateException("manager " + name + " has been started already");
            }
            Backend.start(brain.thread(name));
            isStarted = true;
        } finally {
            unlock();
        }
    }

    /**
     * Stops all services, in reverse order, and then the manager. Calls after the first do nothing.
     *
     * @return done with the exit code: 0 if all workers ended in time, 1 if one was killed or had failed
     */
    public CompletableFuture<Integer> shutdown() {
        lock.lock();
        try {
            if (!isStopping) {
                isStopping = true;
                tellAll(ServiceListener::terminating);
                if (!isStarted) {
                    conclude();
                }
            }
        } finally {
            unlock();
        }
        brain.poke();
        return end.copy();
    }

    /**
     * Kills all workers, and ends the manager. May be called after {@linkplain #shutdown shutdown}, to stop waiting for
     * workers.
     *
     * @return done with the exit code, which is 1 if a worker was killed
     */
    public CompletableFuture<Integer> shutdownNow() {
        lock.lock();
        try {
            isKilling = true;
            groups.values().forEach(group -> group.places.values().forEach(place -> place.slot.kill()));
            return shutdown();
        } finally {
            unlock();
        }
    }

    /**
     * Waits until the manager has ended: it was shut down, or all its services have done their work.
     *
     * @return the exit code, see {@link #shutdown}
     * @throws InterruptedException if the calling thread is interrupted; the manager goes on
     */
    public int awaitEnd() throws InterruptedException {
        try {
            return end.get();
        } catch (ExecutionException e) {
            throw new AssertionError("ends in no other way", e);
        }
    }

    /**
     * Waits until the manager has ended, for a limited time.
     *
     * @param longest the longest time to wait
     * @return whether it has ended
     * @throws InterruptedException if the calling thread is interrupted; the manager goes on
     */
    public boolean awaitEnd(Duration longest) throws InterruptedException {
        try {
            end.get(Timers.nanos(longest), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new AssertionError("ends in no other way", e);
        }
    }

    /** Shuts down and waits for the end, even if the calling thread is interrupted. The stop limits bound the wait. */
    @Override
    public void close() {
        shutdown().join();
    }

    // ---- state ----

    /**
     * The state of each worker.
     *
     * @return service by service in the order in which they were added, by number
     */
    public List<SlotStatus> status() {
        lock.lock();
        try {
            return groups.values().stream()
                    .flatMap(group -> group.places.values().stream())
                    .map(place -> place.slot.status())
                    .toList();
        } finally {
            unlock();
        }
    }

    /**
     * The state of each service.
     *
     * @return in the order in which they were added
     */
    public List<ServiceStatus> services() {
        lock.lock();
        try {
            return groups.values().stream().map(group -> group.status(waitsFor(group))).toList();
        } finally {
            unlock();
        }
    }

    /**
     * Returns a proof that the manager works: its thread has checked all services once more. For a watchdog; a timer
     * alone would not notice that the manager hangs.
     *
     * @return done after the check; never done if the manager's thread hangs
     */
    public CompletableFuture<Void> whenAlive() {
        lock.lock();
        try {
            if (isOver) {
                return goal(() -> true, () -> null); // fails the future
            }
            SuspendingFuture<Void> asked = alive;
            if (asked == null) {
                asked = new SuspendingFuture<>();
                alive = asked;
            }
            return asked.copy();
        } finally {
            unlock();
            brain.poke();
        }
    }

    /**
     * Returns whether all wanted workers of every service are ready, or have done their work.
     *
     * @return false before the manager is started
     */
    public boolean isUp() {
        lock.lock();
        try {
            return isStarted && groups.values().stream().allMatch(ServiceGroup::isUp);
        } finally {
            unlock();
        }
    }

    /**
     * Returns whether the manager was shut down, or ends as all services have done their work.
     *
     * @return true from then on
     */
    public boolean isStopping() {
        lock.lock();
        try {
            return isStopping;
        } finally {
            unlock();
        }
    }

    String name() {
        return name;
    }

    /** Returns the current time by the manager's clock. */
    Instant now() {
        return time.now();
    }

    /** Returns the state of the manager, in the words of {@link ServicesMXBean}. */
    String state() {
        lock.lock();
        try {
            return isStopping ? "STOPPING" : isStarted ? "STARTED" : "CREATED";
        } finally {
            unlock();
        }
    }

    /**
     * Returns a future that is done when all services are up.
     *
     * @return done when {@link #isUp} is true
     */
    public CompletableFuture<Void> whenUp() {
        lock.lock();
        try {
            return goal(
                    () -> groups.values().stream().allMatch(ServiceGroup::isUp),
                    () -> groups.values().stream()
                            .filter(group -> !group.isRemoved)
                            .map(ServiceGroup::obstacle)
                            .filter(Objects::nonNull)
                            .findFirst()
                            .orElse(null));
        } finally {
            unlock();
            brain.poke();
        }
    }

    /**
     * Adds a listener, which gets events from now on.
     *
     * @param listener called in a thread of its own
     */
    public void addListener(ServiceListener listener) {
        var lane = new ListenerLane(Objects.requireNonNull(listener, "listener"));
        lock.lock();
        try {
            lanes.add(lane);
        } finally {
            unlock();
        }
    }

    @Override
    public String toString() {
        lock.lock();
        try {
            return "ServiceManager[" + name + ", " + groups.size() + " services, "
                    + (isOver ? "ended" : isStopping ? "is stopping" : isStarted ? "runs" : "is not started") + "]";
        } finally {
            unlock();
        }
    }

    // ---- helpers; the caller holds the lock ----

    private void ensureOpen() {
        if (isStopping) {
            throw new IllegalStateException("manager " + name + " is shut down");
        }
    }

    /** Returns the number of requests that wait. */
    int goals() {
        lock.lock();
        try {
            return goals.size();
        } finally {
            unlock();
        }
    }

    private ServiceGroup group(String service) {
        ServiceGroup group = groups.get(service);
        if (group == null || group.isRemoved) {
            throw new IllegalArgumentException("there is no service " + service + "; there are " + groups.keySet());
        }
        return group;
    }

    private static void ensureNoCircle(ServiceSettings changed, Function<String, ServiceSettings> others) {
        Set<String> reached = new LinkedHashSet<>();
        List<String> open = new ArrayList<>(changed.after());
        while (!open.isEmpty()) {
            String next = open.removeLast();
            ServiceSettings settings = others.apply(next);
            if (next.equals(changed.name())) {
                throw new IllegalArgumentException("service " + next + " would come after itself");
            }
            if (reached.add(next)) {
                open.addAll(settings.after());
            }
        }
    }

    private CompletableFuture<Void> goal(BooleanSupplier isReached, Supplier<@Nullable String> obstacle) {
        var done = new SuspendingFuture<Void>();
        if (isOver) {
            done.completeExceptionally(new ServiceException("manager " + name + " has ended"));
        } else if (goals.size() >= MOST_GOALS) {
            done.completeExceptionally(new ServiceException(
                    MOST_GOALS + " changes are waited for already: wait for some before asking for more"));
        } else {
            goals.add(new Goal(isReached, obstacle, done));
        }
        return done;
    }

    private void retireLater(Generation generation) {
        afterUnlock.add(() -> generation.launchers().retire());
    }

    private void tellAll(Consumer<ServiceListener> call) {
        for (ListenerLane lane : lanes) {
            lane.call(call);
        }
    }

    private void tellReloading(List<String> services) {
        tellAll(listener -> listener.reloading(services));
        afterUnlock.add(() -> services.forEach(service -> ServiceEvent.show(ServiceStep.RELOADING, service)));
    }

    /** Releases the lock, and then runs the actions that must not run with it. */
    private void unlock() {
        List<Runnable> due = List.of();
        if (lock.getHoldCount() == 1 && !afterUnlock.isEmpty()) {
            due = List.copyOf(afterUnlock);
            afterUnlock.clear();
        }
        lock.unlock();
        for (Runnable one : due) {
            try {
                one.run();
            } catch (RuntimeException | Error e) {
                Uncaught.warn("an action of the manager of services failed", e);
            }
        }
    }

    // ---- events of the slots ----

    private final class Ears implements Slot.Listener {
        private final ServiceGroup group;

        Ears(ServiceGroup group) {
            this.group = group;
        }

        @Override
        public void happened(ServiceEvent event) {
            event.show();
            lock.lock();
            try {
                if (event.kind() == ServiceEvent.Kind.KILLED) {
                    hasFailed = true;
                }
                if (log != null) {
                    log.event(event);
                }
                tellAll(listener -> listener.event(event));
            } finally {
                unlock();
            }
        }

        @Override
        public FigureBook figures() {
            return figures;
        }

        @Override
        public void gaveUp(Slot slot, Generation generation, String why) {
            lock.lock();
            try {
                Generation former = group.former;
                if (group.generation == generation && former != null) {
                    group.givenUp = "generation " + generation.number() + " of service " + group.name
                            + " was given up, the former goes on: worker " + slot.id() + " " + why;
                    group.givenUpReload = group.reload;
                    group.generation = former;
                    group.former = null;
                    group.leaving.add(generation);
                    group.takeBackTrial();
                }
            } finally {
                unlock();
            }
        }

        @Override
        public void failed(Slot slot, Escalation escalation) {
            lock.lock();
            try {
                hasFailed = true;
                switch (escalation) {
                    case STOP_SERVICE -> group.isEscalated = true;
                    case EXIT -> shutdown();
                    case FAIL, KEEP_TRYING -> {}
                }
            } finally {
                unlock();
            }
        }
    }

    // ---- the manager's thread ----

    /** Decides, from the states of all slots, what each slot may do. Called again whenever a slot has changed. */
    void decide() {
        lock.lock();
        try {
            if (isOver) {
                return;
            }
            for (ServiceGroup group : List.copyOf(groups.values())) {
                decide(group);
            }
            reachGoals();
            boolean hasProcess = groups.values().stream().anyMatch(ServiceGroup::hasProcess);
            boolean isAllOver = !groups.isEmpty() && groups.values().stream().allMatch(ServiceGroup::isOver);
            if (!isStopping && isAllOver && !hasProcess) {
                isStopping = true;
                tellAll(ServiceListener::terminating);
            }
            if (isStopping && !hasProcess) {
                conclude();
            }
        } finally {
            unlock();
        }
    }

    private void decide(ServiceGroup group) {
        // Stays set: a service that comes after this one may be without a process for a moment, while it replaces one.
        group.hasStopped |= isStopping && (isKilling || !isNeeded(group));
        boolean isDown = group.isRemoved || group.isEscalated || group.hasStopped;
        if (!group.mayStart && !isStopping) {
            group.mayStart = group.settings().after().stream().allMatch(other -> isUp(groups.get(other)));
        }
        takeNext(group);
        addPlaces(group, isDown);
        int free = group.settings().atOnce();
        for (ServiceGroup.Place place : group.places.values()) {
            place.giveBackTurn();
            free -= place.hasTurn() ? 1 : 0;
        }
        boolean isNext = true;
        Iterator<ServiceGroup.Place> places = group.places.values().iterator();
        while (places.hasNext()) {
            ServiceGroup.Place place = places.next();
            boolean isWanted = !isDown && place.slot.id() < group.wanted;
            isNext &= place.slot.hasTaken(group.generation); // else it may want the one given up
            if (!place.hasTurn() && free > 0 && isNext && place.slot.wantsToReplace()) {
                place.takeTurn();
                free--;
            }
            boolean mayReplace = place.mayReplace();
            place.slot.order(new Order(
                    group.generation, isWanted, group.mayStart, mayReplace, place.restarts, group.reloads));
            boolean isSuperfluous = group.isRemoved || isStopping || place.slot.id() >= group.wanted;
            if (isSuperfluous && !isWanted && !place.slot.hasProcess() && place.slot.hasTaken(place.slot.order())) {
                place.thread.end();
                places.remove();
            }
        }
        if (!group.leaving.isEmpty() && group.hasTakenOrders()) { // no slot starts processes of them any more
            group.leaving.forEach(this::retireLater);
            group.leaving.clear();
        }
        if (group.isRemoved && group.places.isEmpty()) {
            groups.remove(group.name);
            figures.forget(group.name);
            retireAll(group);
        }
    }

    /**
     * Starts the next generation of a service when the services before it have finished with theirs; or drops it, if
     * one of these has given up its generation in the same reload.
     */
    private void takeNext(ServiceGroup group) {
        Generation next = group.pending;
        if (next == null || isStopping) {
            if (group.former != null && !group.isRolling() && group.isUp()) {
                group.leaving.add(group.former);
                group.former = null;
                group.keepTrial();
            }
            return;
        }
        for (String name : next.settings().after()) {
            ServiceGroup other = groups.get(name);
            if (other != null && other.givenUpReload == group.pendingReload) {
                group.givenUpReload = group.pendingReload;
                group.givenUp = "service " + group.name + " was not reloaded: " + other.givenUp;
                group.pending = null;
                group.takeBackPending();
                retireLater(next);
                return;
            }
            if (other != null && (other.isRolling() || !other.isUp())) {
                return;
            }
        }
        if (group.former == null) {
            group.former = group.generation;
        } else { // a reload during a reload: the generation on trial has not proved itself
            group.leaving.add(group.generation);
        }
        group.generation = next;
        group.reload = group.pendingReload;
        group.pending = null;
        group.tryPending();
    }

    /** Returns the services that are not up and that this service waits for; empty if it may start. */
    private List<String> waitsFor(ServiceGroup group) {
        return !isStarted || isStopping || group.mayStart
                ? List.of()
                : group.settings().after().stream().filter(other -> !isUp(groups.get(other))).toList();
    }

    private static boolean isUp(@Nullable ServiceGroup group) {
        return group == null || group.isUp();
    }

    /** Returns whether a service that comes after this one still has processes, or may start some. */
    private boolean isNeeded(ServiceGroup group) {
        Set<ServiceGroup> reached = new HashSet<>();
        List<ServiceGroup> open = new ArrayList<>(List.of(group));
        while (!open.isEmpty()) {
            ServiceGroup next = open.removeLast();
            for (ServiceGroup other : groups.values()) {
                if (other.settings().after().contains(next.name) && reached.add(other)) {
                    if (other != group && other.hasProcess()) {
                        return true;
                    }
                    open.add(other);
                }
            }
        }
        return false;
    }

    private void addPlaces(ServiceGroup group, boolean isDown) {
        for (int id = 0; id < group.wanted && !isDown; id++) {
            ServiceGroup.Place place = group.places.get(id);
            if (place == null) {
                place = newPlace(group, id);
                group.places.put(id, place);
            }
            if (!place.hasThread) {
                try {
                    place.thread.begin(place.slot);
                    place.hasThread = true;
                } catch (Throwable e) { // no thread available: try again later
                    group.places.remove(id);
                    brain.again(RETRY_NANOS);
                }
            }
        }
    }

    private ServiceGroup.Place newPlace(ServiceGroup group, int id) {
        var thread = new SlotThread(name + "-" + group.name + "-" + id, brain::poke);
        var order = new Order(group.generation, false, false, false, 0, group.reloads);
        var slot = new Slot(group.name, id, order, time, random, memory, new Ears(group), thread::poke);
        return new ServiceGroup.Place(slot, thread);
    }

    private void reachGoals() {
        SuspendingFuture<Void> asked = alive;
        if (asked != null) {
            alive = null;
            afterUnlock.add(() -> asked.complete(null));
        }
        Iterator<Goal> all = goals.iterator();
        while (all.hasNext()) {
            Goal goal = all.next();
            if (goal.done().isDone()) { // its caller does not wait any more
                all.remove();
                continue;
            }
            // In this order, as slots go on meanwhile: a slot that gives up sets the obstacle before it becomes idle.
            boolean isReached = goal.isReached().getAsBoolean();
            String obstacle = goal.obstacle().get();
            if (obstacle != null) {
                all.remove();
                afterUnlock.add(() -> goal.done().completeExceptionally(new ServiceException(obstacle)));
            } else if (isReached) {
                all.remove();
                afterUnlock.add(() -> goal.done().complete(null));
            }
        }
    }

    private void retireAll(ServiceGroup group) {
        retireLater(group.generation);
        group.leaving.forEach(this::retireLater);
        if (group.former != null) {
            retireLater(group.former);
        }
        if (group.pending != null) {
            retireLater(group.pending);
        }
    }

    private void conclude() {
        isOver = true;
        Collection<ServiceGroup> ended = List.copyOf(groups.values());
        for (ServiceGroup group : ended) {
            group.places.values().forEach(place -> {
                place.thread.end();
            });
            retireAll(group);
        }
        List<ListenerLane> told = List.copyOf(lanes);
        SuspendingFuture<Void> asked = alive;
        if (asked != null) {
            alive = null;
            afterUnlock.add(() -> asked.completeExceptionally(new ServiceException("manager " + name + " has ended")));
        }
        for (Goal goal : goals) {
            afterUnlock.add(() -> goal.done().completeExceptionally(
                    new ServiceException("manager " + name + " was shut down")));
        }
        goals.clear();
        int code = hasFailed ? 1 : 0;
        boolean wasStarted = isStarted;
        afterUnlock.add(() -> {
            try {
                listeners.closeAll();
                ListenerLane.awaitAll(told, LISTENER_LIMIT);
                if (log != null) {
                    log.close();
                }
            } finally {
                entry.remove();
                if (wasStarted) {
                    ServiceEvent.show(ServiceStep.MANAGER_ENDED, name);
                }
                end.complete(code);
            }
        });
    }

    /** The manager's thread. */
    private final class Brain implements Runnable {
        private volatile boolean isPoked;
        private volatile @Nullable Thread thread;
        private volatile long againNanos = Long.MAX_VALUE;

        Thread thread(String manager) {
            Thread made = Thread.ofPlatform().daemon().name(manager + "-services").unstarted(this);
            thread = made;
            return made;
        }

        void poke() {
            isPoked = true;
            LockSupport.unpark(thread);
        }

        void again(long nanos) {
            againNanos = nanos;
        }

        @Override
        public void run() {
            ServiceEvent.show(ServiceStep.MANAGER_STARTED, name); // before any worker can be started
            while (!end.isDone()) {
                isPoked = false;
                againNanos = Long.MAX_VALUE;
                try {
                    decide();
                } catch (Throwable e) {
                    againNanos = RETRY_NANOS;
                    Uncaught.log("the manager of services failed to decide", e);
                }
                if (!isPoked && !end.isDone()) {
                    LockSupport.parkNanos(this, againNanos);
                }
            }
        }
    }
}
