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
 * The settings of a service: its code or command, the number of workers, and limits. Immutable.
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
    /** A larger number is a mistake: there would be no memory left for each worker. */
    static final int MOST_WORKERS = 1000;

    /** The longest time: far in the future, but times do not overflow. */
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
     * @param service the service; each worker runs a copy of its own
     * @return a builder with the defaults
     * @throws IllegalArgumentException if it is no such name
     */
    public static Builder of(String name, Service service) {
        return new Builder(name, Objects.requireNonNull(service, "service"), null, List.of());
    }

    /**
     * Begins the settings of a service that is a class. Each worker makes an object with the constructor without
     * parameters. The class may be on a {@linkplain Builder#classPath class path} that this JVM does not have.
     *
     * @param name letters, digits, {@code . _ -}, 64 at most
     * @param className the name of a class that implements {@link Service}
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
     * Returns a builder with these settings, to change some of them.
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

    /** Returns the heartbeat limit; null for none, as a command sends no heartbeats. */
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
         * Sets the initial number of workers; the default is 1.
         *
         * @param count from 0, for no workers until the service is scaled, to 1000
         * @return this
         * @throws IllegalArgumentException if it is less or more
         */
        public Builder workers(int count) {
            workers = checkWorkers(count);
            return this;
        }

        /**
         * Sets when a worker that has ended by itself is replaced; the default is {@link ServiceKind#ALWAYS}.
         *
         * @param chosen the kind
         * @return this
         */
        public Builder kind(ServiceKind chosen) {
            kind = Objects.requireNonNull(chosen, "kind");
            return this;
        }

        /**
         * Names the services that have to be ready before this service starts, and that stop after it. A service of
         * kind {@link ServiceKind#ONCE} has to have ended.
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
         * @throws IllegalArgumentException if a Java service gets a condition for commands, or the reverse
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
         * Sets how long a worker may take to get ready; then it is killed. The default is 60 s.
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
         * Sets how long a worker may take to end after it was asked to stop; then it is killed. The default is 30 s.
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
         * Sets how long a ready worker of a Java service may go without a heartbeat; then it is killed and replaced.
         * The default is 60 s.
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
         * Sets how long a worker has to end when its manager has died. The default is zero: the worker is killed at
         * once, on Linux by the kernel.
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
         * Sets the pause before a worker that died is restarted. The first restart after a time without deaths comes at
         * once. The default grows from 0.1 s to 30 s, with full jitter.
         *
         * @param chosen a backoff, which is called with the number of deaths in a row
         * @return this
         */
        public Builder backoff(Backoff chosen) {
            backoff = Objects.requireNonNull(chosen, "backoff");
            return this;
        }

        /**
         * Sets how many deaths of one worker are too many, and the reaction. The default is 10 within a minute, and to
         * keep trying.
         *
         * @param count more than zero
         * @param window more than zero
         * @param then the reaction
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
         * Sets how many workers a reload replaces at a time. The default is 1.
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
         * Sets whether a reload calls {@link Service#reload} in the running workers instead of replacing them. A
         * command gets the signal HUP instead. The default is false.
         *
         * @param wanted true to reload in place
         * @return this
         */
        public Builder reloadInPlace(boolean wanted) {
            inPlace = wanted;
            return this;
        }

        /**
         * Sets the age at which a worker is replaced, plus or minus a tenth. By default there is no limit.
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
         * Sets the memory (resident set) above which a worker is replaced, if two checks in a row find that. By default
         * there is no limit.
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
         * Sets how much {@linkplain ServiceWorker#worked work} a worker does before it is replaced, plus or minus a
         * tenth. By default there is no limit.
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
         * Sets how many started JVMs wait to replace a worker that dies. The default is 0.
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
         * Sets the most heap memory of a worker's JVM. The default is a quarter of the machine's memory, which is too
         * much for a service with many workers.
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
         * Sets options of a worker's JVM, which come after those that Sennit sets.
         *
         * @param options one option each
         * @return this
         */
        public Builder jvmOptions(String... options) {
            jvmOptions = List.of(options);
            return this;
        }

        /**
         * Sets the class path of a Java service, which has to include Sennit's own jar. Each generation runs from a
         * copy, so the jars can be replaced at any time. The default is the class path of this JVM, without a copy.
         *
         * @param parts jars and folders
         * @return this
         */
        public Builder classPath(Path... parts) {
            classPath = List.of(parts);
            return this;
        }

        /**
         * Adds environment variables to those of this process, or changes their values.
         *
         * @param variables values by name
         * @return this
         */
        public Builder environment(Map<String, String> variables) {
            environment = new LinkedHashMap<>(variables);
            return this;
        }

        /**
         * Sets the working directory; the default is that of this process.
         *
         * @param folder a folder that exists when a worker starts
         * @return this
         */
        public Builder directory(Path folder) {
            directory = Objects.requireNonNull(folder, "folder");
            return this;
        }

        /**
         * Names the listener of the manager on which the workers of a Java service accept connections. It stays open
         * while workers are replaced; see {@link ServiceWorker#accept}.
         *
         * @param bound the name of the listener in {@link ServiceManager#listen}
         * @return this
         */
        public Builder listener(String bound) {
            listener = Objects.requireNonNull(bound, "bound");
            return this;
        }

        /**
         * Passes a value to the workers of a Java service, for example a shared queue. A service that is an object may
         * also have values in fields.
         *
         * @param called the name under which {@link ServiceWorker#value} finds it
         * @param value the value, which each worker gets by serialization
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
         * @throws IllegalArgumentException if a command has a listener or values, as a command cannot use them
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
