package dev.sennit.service;

import dev.sennit.Backoff;
import dev.sennit.internal.Sizes;
import java.io.Serializable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a service runs, in how many workers, and within which limits. Immutable.
 *
 * {@snippet :
 * import dev.sennit.service.*;
 * import java.time.Duration;
 *
 * ServiceSettings printer = ServiceSettings.of("printer", me -> me.awaitStop())
 *         .workers(2)
 *         .stopLimit(Duration.ofSeconds(10))
 *         .build();
 * ServiceSettings list = ServiceSettings.ofCommand("list", "ls", "-l").kind(ServiceKind.ONCE).build();
 * }
 */
public final class ServiceSettings {
    /** With less, a JVM does not start. */
    private static final long LEAST_HEAP = 2 << 20;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
    /** More is a slip of the finger: the memory of each worker would be none. */
    static final int MOST_WORKERS = 1000;

    /** So far away that moments do not overflow. */
    static final Duration LONGEST = Duration.ofDays(36_500);
    /** The longest pause of the default back-off. */
    static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    private final Builder from;

    private ServiceSettings(Builder from) {
        this.from = from;
    }

    /**
     * Begins the settings of a service that is a Java object.
     *
     * @param name letters, digits, {@code . _ -}, 64 at most
     * @param service what each worker runs, on a copy of its own
     * @return a builder with the defaults
     * @throws IllegalArgumentException if it is no such name
     */
    public static Builder of(String name, Service service) {
        return new Builder(name, Objects.requireNonNull(service, "service"), null, List.of());
    }

    /**
     * Begins the settings of a service that is a class, made by its constructor without parameters in each worker. The
     * class may be on a {@linkplain Builder#classPath class path} that this JVM does not have.
     *
     * @param name letters, digits, {@code . _ -}, 64 at most
     * @param className of a class that implements {@link Service}
     * @return a builder with the defaults
     * @throws IllegalArgumentException if it is no such name
     */
    public static Builder ofClass(String name, String className) {
        return new Builder(name, null, Objects.requireNonNull(className, "className"), List.of());
    }

    /**
     * Begins the settings of a service that is any program.
     *
     * @param name letters, digits, {@code . _ -}, 64 at most
     * @param command the program and its arguments
     * @return a builder with the defaults
     * @throws IllegalArgumentException if it is no such name, or there is no program
     */
    public static Builder ofCommand(String name, String... command) {
        if (command.length == 0 || command[0].isEmpty()) {
            throw new IllegalArgumentException("command of service " + name + " must name a program");
        }
        return new Builder(name, null, null, List.of(command));
    }

    /**
     * Begins settings that differ from these.
     *
     * @return a builder with these settings
     */
    public Builder toBuilder() {
        return from.copy();
    }

    /**
     * The name.
     *
     * @return the name
     */
    public String name() {
        return from.name;
    }

    /**
     * How many workers it has at first.
     *
     * @return the number, from 0
     */
    public int workers() {
        return from.workers;
    }

    /**
     * When a worker that has ended is replaced.
     *
     * @return the kind
     */
    public ServiceKind kind() {
        return from.kind;
    }

    /**
     * The services that have to be ready before this one starts.
     *
     * @return their names
     */
    public Set<String> after() {
        return Set.copyOf(from.after);
    }

    /**
     * The program and its arguments.
     *
     * @return empty for a Java service
     */
    public List<String> command() {
        return from.command;
    }

    /**
     * The class of a service that is made in its workers.
     *
     * @return null for a service that is an object or a command
     */
    public @Nullable String className() {
        return from.className;
    }

    @Nullable Service service() {
        return from.service;
    }

    boolean isCommand() {
        return !from.command.isEmpty();
    }

    Readiness readiness() {
        Readiness chosen = from.readiness;
        if (chosen != null) {
            return chosen;
        }
        return isCommand() ? new Readiness.Alive(Duration.ofSeconds(1)) : new Readiness.Initialized();
    }

    Duration startLimit() {
        return from.startLimit;
    }

    Duration stopLimit() {
        return from.stopLimit;
    }

    /** Null for none: a command gives no sign of life. */
    @Nullable Duration heartbeatLimit() {
        return isCommand() || from.heartbeatLimit.isZero() ? null : from.heartbeatLimit;
    }

    Duration orphanLimit() {
        return from.orphanLimit;
    }

    Backoff backoff() {
        return from.backoff;
    }

    int deaths() {
        return from.deaths;
    }

    Duration deathWindow() {
        return from.deathWindow;
    }

    Escalation escalation() {
        return from.escalation;
    }

    int atOnce() {
        return from.atOnce;
    }

    boolean reloadsInPlace() {
        return from.inPlace;
    }

    @Nullable Duration maxAge() {
        return from.maxAge;
    }

    long maxMemory() {
        return from.maxMemory;
    }

    long maxWork() {
        return from.maxWork;
    }

    /**
     * How many JVMs wait to take the place of one that dies.
     *
     * @return the number
     */
    public int spares() {
        return from.spares;
    }

    @Nullable String heap() {
        return from.heap;
    }

    List<String> jvmOptions() {
        return from.jvmOptions;
    }

    /**
     * The class path of a Java service.
     *
     * @return the parts; empty for the class path of this JVM, and for a command
     */
    public List<Path> classPath() {
        return from.classPath;
    }

    /**
     * The listener on which its workers accept connections.
     *
     * @return its name; null for none
     */
    public @Nullable String listener() {
        return from.listener;
    }

    Map<String, Serializable> values() {
        return Map.copyOf(from.values);
    }

    Map<String, String> environment() {
        return Map.copyOf(from.environment);
    }

    @Nullable Path directory() {
        return from.directory;
    }

    @Override
    public String toString() {
        String runs = isCommand()
                ? "command " + from.command.getFirst()
                : from.className != null ? "class " + from.className : "an object";
        return "ServiceSettings[" + from.name + ", " + runs + ", workers=" + from.workers + ", " + from.kind + "]";
    }

    /** Collects settings. Each method checks what it is given. Not safe for use by several threads. */
    public static final class Builder {
        private final String name;
        private final @Nullable Service service;
        private final @Nullable String className;
        private final List<String> command;
        private int workers = 1;
        private ServiceKind kind = ServiceKind.ALWAYS;
        private Set<String> after = new LinkedHashSet<>();
        private @Nullable Readiness readiness;
        private Duration startLimit = Duration.ofSeconds(60);
        private Duration stopLimit = Duration.ofSeconds(30);
        private Duration heartbeatLimit = Duration.ofSeconds(60);
        private Duration orphanLimit = Duration.ZERO;
        private Backoff backoff =
                Backoff.exponential(Duration.ofMillis(100)).atMost(LONGEST_PAUSE).fullJitter();
        private int deaths = 10;
        private Duration deathWindow = Duration.ofMinutes(1);
        private Escalation escalation = Escalation.KEEP_TRYING;
        private int atOnce = 1;
        private boolean inPlace;
        private @Nullable Duration maxAge;
        private long maxMemory;
        private long maxWork;
        private int spares;
        private @Nullable String heap;
        private List<String> jvmOptions = List.of();
        private List<Path> classPath = List.of();
        private Map<String, String> environment = new LinkedHashMap<>();
        private @Nullable Path directory;
        private @Nullable String listener;
        private Map<String, Serializable> values = new LinkedHashMap<>();

        private Builder(String name, @Nullable Service service, @Nullable String className, List<String> command) {
            if (!NAME.matcher(name).matches()) {
                throw new IllegalArgumentException(
                        "name of a service must be of letters, digits, . _ - (64 at most), was \"" + name + "\"");
            }
            this.name = name;
            this.service = service;
            this.className = className;
            this.command = command;
        }

        private Builder copy() {
            var copy = new Builder(name, service, className, command);
            copy.workers = workers;
            copy.kind = kind;
            copy.after = new LinkedHashSet<>(after);
            copy.readiness = readiness;
            copy.startLimit = startLimit;
            copy.stopLimit = stopLimit;
            copy.heartbeatLimit = heartbeatLimit;
            copy.orphanLimit = orphanLimit;
            copy.backoff = backoff;
            copy.deaths = deaths;
            copy.deathWindow = deathWindow;
            copy.escalation = escalation;
            copy.atOnce = atOnce;
            copy.inPlace = inPlace;
            copy.maxAge = maxAge;
            copy.maxMemory = maxMemory;
            copy.maxWork = maxWork;
            copy.spares = spares;
            copy.heap = heap;
            copy.jvmOptions = jvmOptions;
            copy.classPath = classPath;
            copy.environment = new LinkedHashMap<>(environment);
            copy.directory = directory;
            copy.listener = listener;
            copy.values = new LinkedHashMap<>(values);
            return copy;
        }

        /**
         * How many workers it has at first; the default is 1.
         *
         * @param count from 0, for none until it is scaled, to 1000
         * @return this
         * @throws IllegalArgumentException if it is less or more
         */
        public Builder workers(int count) {
            workers = checkWorkers(count);
            return this;
        }

        /**
         * When a worker that has ended by itself is replaced; the default is {@link ServiceKind#ALWAYS}.
         *
         * @param chosen the kind
         * @return this
         */
        public Builder kind(ServiceKind chosen) {
            kind = Objects.requireNonNull(chosen, "kind");
            return this;
        }

        /**
         * The services that have to be ready before this one starts, and that stop after it. A service of kind
         * {@link ServiceKind#ONCE} has to have ended.
         *
         * @param services their names
         * @return this
         * @throws IllegalArgumentException if this service is among them
         */
        public Builder after(String... services) {
            for (String one : services) {
                if (one.equals(name)) {
                    throw new IllegalArgumentException("service " + name + " cannot come after itself");
                }
            }
            after = new LinkedHashSet<>(List.of(services));
            return this;
        }

        /**
         * When a worker is ready.
         *
         * @param chosen the default is {@link Readiness.Initialized} for Java services, and {@link Readiness.Alive} of
         *     one second for commands
         * @return this
         * @throws IllegalArgumentException if a Java service is to be watched as only a command can be, or the reverse
         */
        public Builder readiness(Readiness chosen) {
            boolean isForCommands = !(chosen instanceof Readiness.Initialized) && !(chosen instanceof Readiness.Said);
            boolean isForJava = chosen instanceof Readiness.Initialized || chosen instanceof Readiness.Said;
            if (command.isEmpty() ? !isForJava : !isForCommands && !(chosen instanceof Readiness.Said)) {
                throw new IllegalArgumentException(
                        "service " + name + " cannot be ready by " + chosen + ": that is for "
                                + (command.isEmpty() ? "commands" : "Java services"));
            }
            readiness = chosen;
            return this;
        }

        /**
         * How long a worker may take to get ready; then it is killed. The default is 60 s.
         *
         * @param limit more than zero
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder startLimit(Duration limit) {
            startLimit = checkPositive("start limit", limit);
            return this;
        }

        /**
         * How long a worker may take to end once it was asked; then it is killed. The default is 30 s.
         *
         * @param limit more than zero
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder stopLimit(Duration limit) {
            stopLimit = checkPositive("stop limit", limit);
            return this;
        }

        /**
         * How long a ready worker of a Java service may go without a heartbeat; then it is killed and replaced. The
         * default is 60 s.
         *
         * @param limit zero for no limit
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder heartbeatLimit(Duration limit) {
            if (limit.isNegative()) {
                throw new IllegalArgumentException(
                        "heartbeat limit of service " + name + " must be >= 0, was " + limit);
            }
            heartbeatLimit = limit;
            return this;
        }

        /**
         * How long a worker has to end when its manager has died. The default is zero: it is killed at once, on Linux
         * by the kernel.
         *
         * @param limit with more than zero, {@link Service#terminate} is called first
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder orphanLimit(Duration limit) {
            if (limit.isNegative()) {
                throw new IllegalArgumentException("orphan limit of service " + name + " must be >= 0, was " + limit);
            }
            orphanLimit = limit;
            return this;
        }

        /**
         * How long to wait before a worker that died is started again. The first start after a time without deaths is
         * made at once. The default grows from 0.1 s to 30 s, with full jitter.
         *
         * @param chosen asked with the number of deaths in a row
         * @return this
         */
        public Builder backoff(Backoff chosen) {
            backoff = Objects.requireNonNull(chosen, "backoff");
            return this;
        }

        /**
         * How many deaths of one worker are too many, and what happens then. The default is 10 within a minute, and to
         * keep trying.
         *
         * @param count more than zero
         * @param window more than zero
         * @param then what happens
         * @return this
         * @throws IllegalArgumentException if a number is not more than zero
         */
        public Builder deaths(int count, Duration window, Escalation then) {
            if (count < 1) {
                throw new IllegalArgumentException("deaths of service " + name + " must be >= 1, was " + count);
            }
            deathWindow = checkPositive("time for deaths", window);
            deaths = count;
            escalation = Objects.requireNonNull(then, "then");
            return this;
        }

        /**
         * How many workers are replaced at once when the service is reloaded. The default is 1.
         *
         * @param count more than zero
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder atOnce(int count) {
            if (count < 1) {
                throw new IllegalArgumentException("at once of service " + name + " must be >= 1, was " + count);
            }
            atOnce = count;
            return this;
        }

        /**
         * Whether a reload calls {@link Service#reload} in the workers that run, instead of replacing them. A command
         * gets the signal HUP then. The default is false.
         *
         * @param wanted true if it does
         * @return this
         */
        public Builder reloadInPlace(boolean wanted) {
            inPlace = wanted;
            return this;
        }

        /**
         * The age at which a worker is replaced, give or take a tenth. By default there is none.
         *
         * @param age more than zero
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder maxAge(Duration age) {
            maxAge = checkPositive("largest age", age);
            return this;
        }

        /**
         * The memory (resident set) above which a worker is replaced, if two looks in a row find it there. By default
         * there is none.
         *
         * @param size such as {@code 512m}
         * @return this
         * @throws IllegalArgumentException if it is not a size
         */
        public Builder maxMemory(String size) {
            maxMemory = Sizes.parse("max memory of service " + name, size);
            return this;
        }

        /**
         * How much {@linkplain ServiceWorker#worked work} a worker does before it is replaced, give or take a tenth. By
         * default there is no limit.
         *
         * @param pieces more than zero
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder maxWork(long pieces) {
            if (pieces < 1) {
                throw new IllegalArgumentException("max work of service " + name + " must be >= 1, was " + pieces);
            }
            maxWork = pieces;
            return this;
        }

        /**
         * How many JVMs wait, started and without work, to take the place of a worker that dies. The default is 0.
         *
         * @param count from 0
         * @return this
         * @throws IllegalArgumentException if it is negative, or the service is a command
         */
        public Builder spares(int count) {
            if (count < 0 || count > 0 && !command.isEmpty()) {
                throw new IllegalArgumentException(
                        "spares of service " + name + " must be >= 0, and 0 for a command, was " + count);
            }
            spares = count;
            return this;
        }

        /**
         * The most heap memory of a worker's JVM; the default is a quarter of what there is, which is too much for a
         * service with many workers.
         *
         * @param size such as {@code 256m}
         * @return this
         * @throws IllegalArgumentException if it is not a size, or less than the 2 MB that a JVM needs to start
         */
        public Builder heap(String size) {
            if (Sizes.parse("heap of service " + name, size) < LEAST_HEAP) {
                throw new IllegalArgumentException("heap of service " + name + " must be >= 2m, was " + size);
            }
            heap = size;
            return this;
        }

        /**
         * Options of a worker's JVM, after those that Sennit sets.
         *
         * @param options one option each
         * @return this
         */
        public Builder jvmOptions(String... options) {
            jvmOptions = List.of(options);
            return this;
        }

        /**
         * The class path of a Java service, with Sennit's own jar on it. Each generation runs from a copy, so its jars
         * can be replaced at any time. The default is the class path of this JVM, without a copy.
         *
         * @param parts jars and folders
         * @return this
         */
        public Builder classPath(Path... parts) {
            classPath = List.of(parts);
            return this;
        }

        /**
         * Environment variables besides those of this process, or with another value.
         *
         * @param variables values by name
         * @return this
         */
        public Builder environment(Map<String, String> variables) {
            environment = new LinkedHashMap<>(variables);
            return this;
        }

        /**
         * The working directory; the default is that of this process.
         *
         * @param folder a folder that exists when a worker starts
         * @return this
         */
        public Builder directory(Path folder) {
            directory = Objects.requireNonNull(folder, "folder");
            return this;
        }

        /**
         * Has the workers of a Java service accept connections on a listener of the manager, which stays open while
         * workers come and go; see {@link ServiceWorker#accept}.
         *
         * @param bound the name that it has from {@link ServiceManager#listen}
         * @return this
         */
        public Builder listener(String bound) {
            listener = Objects.requireNonNull(bound, "bound");
            return this;
        }

        /**
         * Gives the workers of a Java service a value: a shared queue, for example. A service that is an object may
         * have its values in fields too.
         *
         * @param called the name under which {@link ServiceWorker#value} finds it
         * @param value what each worker gets, by serialization
         * @return this
         */
        public Builder value(String called, Serializable value) {
            values.put(Objects.requireNonNull(called, "called"), Objects.requireNonNull(value, "value"));
            return this;
        }

        /**
         * The settings as they are now.
         *
         * @return the settings; this builder may be used again
         * @throws IllegalArgumentException if a command has a listener or values, which it could not use
         */
        public ServiceSettings build() {
            if (!command.isEmpty() && (listener != null || !values.isEmpty())) {
                throw new IllegalArgumentException(
                        "listener and values are for Java services, and service " + name + " is a command");
            }
            return new ServiceSettings(copy());
        }

        private Duration checkPositive(String what, Duration limit) {
            if (!limit.isPositive()) {
                throw new IllegalArgumentException(what + " of service " + name + " must be > 0, was " + limit);
            }
            return limit.compareTo(LONGEST) > 0 ? LONGEST : limit;
        }

        private int checkWorkers(int count) {
            if (count < 0 || count > MOST_WORKERS) {
                throw new IllegalArgumentException(
                        "workers of service " + name + " must be from 0 to " + MOST_WORKERS + ", was " + count);
            }
            return count;
        }
    }
}
