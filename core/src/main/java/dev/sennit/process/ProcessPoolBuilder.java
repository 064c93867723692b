package dev.sennit.process;

import dev.sennit.Action;
import dev.sennit.Pool;
import dev.sennit.PoolBuilder;
import dev.sennit.WorkerStartException;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Sizes;
import dev.sennit.internal.Timers;
import dev.sennit.internal.machine.LinuxProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What {@link ProcessPool.Builder} has users say of a pool, in the code and in a plan. */
abstract sealed class ProcessPoolBuilder extends PoolBuilder<ProcessPool.Builder> permits ProcessPool.Builder {
    private static final String VARIABLE = "env.";
    private static final int ALL = Integer.MAX_VALUE;

    private final WorkerSettings.Builder jvm = new WorkerSettings.Builder();
    private int workers = Runtime.getRuntime().availableProcessors();
    private int min = ALL;
    private Duration idle = Duration.ofSeconds(60);
    private int spares;
    private long maxTasks = WorkerPolicy.NO_LIMIT;
    private long strictMaxTasks = WorkerPolicy.NO_LIMIT;
    private @Nullable Duration maxAge;
    private long maxMemory = WorkerPolicy.NO_LIMIT;
    private long rss = WorkerPolicy.NO_LIMIT;
    private @Nullable Action initializer;
    private boolean archive = true;
    private Duration grace = Duration.ofMillis(200);
    private WorkerTransport transport = WorkerTransport.AUTO;

    ProcessPoolBuilder() {
        super("processes");
    }

    /**
     * How many worker processes. In a plan: the number after the colon.
     *
     * @param count 1 or more
     * @return this
     * @throws IllegalArgumentException if it is less than 1
     */
    public ProcessPool.Builder workers(int count) {
        workers = atLeast("workers", count, 1);
        return self();
    }

    /**
     * How many workers stay when there is nothing to do; the default is all. The pool starts with so many. More are
     * started when tasks wait, up to {@link ProcessPool.Builder#workers workers}, and those let go again that have had
     * nothing to do for the {@link ProcessPool.Builder#idle idle time}. In a plan: {@code min=2}.
     *
     * @param count 0 or more, and not more than there are workers
     * @return this
     * @throws IllegalArgumentException if it is negative
     */
    public ProcessPool.Builder minWorkers(int count) {
        min = atLeast("min", count, 0);
        return self();
    }

    /**
     * How long a worker has nothing to do before it is let go, if there are more than
     * {@link ProcessPool.Builder#minWorkers minWorkers} says; the default is 60 s. In a plan: {@code idle=5s}.
     *
     * @param time more than zero
     * @return this
     * @throws IllegalArgumentException if it is not
     */
    public ProcessPool.Builder idle(Duration time) {
        idle = positive("idle", time);
        return self();
    }

    /**
     * How many workers wait beside the pool, started and initialized, to take at once the place of one that dies, is
     * killed or has served long enough; the default is none. Another is then started in the background. They count
     * neither as workers nor in {@link dev.sennit.PoolStatistics#workers()}. In a plan: {@code spares=1}.
     *
     * @param count 0 or more
     * @return this
     * @throws IllegalArgumentException if it is negative
     */
    public ProcessPool.Builder spares(int count) {
        spares = atLeast("spares", count, 0);
        return self();
    }

    /**
     * After how many tasks a worker is replaced; by default it is not. In a plan: {@code max-tasks=1000}.
     *
     * <p>The old worker goes on until the new one is ready, and then ends when it has done what it had begun; so no
     * task waits or fails for it, and a worker may do some tasks more than that. No more are at the end of their last
     * tasks than there are workers: with long tasks a pool may have twice as many processes, and run as many tasks, for
     * as long as those take; {@link ProcessPool.Builder#strictMaxTasks strictMaxTasks} is without exceptions. One is
     * replaced after another, and each is given a tenth more or less, so that they do not all go at once. When no
     * successor can be started, the old one stays until one can. {@link dev.sennit.PoolStatistics#workersRecycled()}
     * counts them.
     *
     * @param count 1 or more
     * @return this
     * @throws IllegalArgumentException if it is less than 1
     */
    public ProcessPool.Builder maxTasks(int count) {
        maxTasks = atLeast("max-tasks", count, 1);
        return self();
    }

    /**
     * How many tasks a worker gets at most, for tasks that must not share a process with many others: one that leaks,
     * or changes what others see. By default there is no such limit. In a plan: {@code strict-max-tasks=1}.
     *
     * <p>Other than with {@link ProcessPool.Builder#maxTasks maxTasks}, no worker ever gets one more, and none is sent
     * a task before it has ended the one it has. A worker that has done its number ends, and another is started in its
     * place; tasks wait until that one is ready, or a {@linkplain ProcessPool.Builder#spares spare} takes the place at
     * once. A chunk of a {@code map} is one task; {@link Pool#chunksOf chunksOf(1)} makes one of each item. A task that
     * was cancelled counts if its worker had been sent it; the initializer does not. If no other worker can be started,
     * waiting tasks fail as they do when the pool opens.
     *
     * @param count 1 or more
     * @return this
     * @throws IllegalArgumentException if it is less than 1
     */
    public ProcessPool.Builder strictMaxTasks(int count) {
        strictMaxTasks = atLeast("strict-max-tasks", count, 1);
        return self();
    }

    /**
     * How old a worker gets before it is replaced, as with {@link ProcessPool.Builder#maxTasks maxTasks}, whether it is
     * busy or idle; by default it is not. In a plan: {@code max-age=1h}.
     *
     * @param age more than zero
     * @return this
     * @throws IllegalArgumentException if it is not
     */
    public ProcessPool.Builder maxAge(Duration age) {
        maxAge = positive("max-age", age);
        return self();
    }

    /**
     * With how much resident memory a worker is replaced, as with {@link ProcessPool.Builder#maxTasks maxTasks},
     * whether it is busy or idle: its task comes to its end, other than with {@link ProcessPool.Builder#rss rss}, which
     * counts the same. Each worker is looked at four times a second. On Linux alone; by default there is no limit. In a
     * plan: {@code max-memory=500m}.
     *
     * @param size a number of bytes, or with {@code k}, {@code m}, {@code g}
     * @return this
     * @throws IllegalArgumentException if it is not such a number
     */
    public ProcessPool.Builder maxMemory(String size) {
        maxMemory = Sizes.parse("max-memory", size);
        return self();
    }

    private static Duration positive(String what, Duration time) {
        if (!time.isPositive()) {
            throw new IllegalArgumentException(what + " must be > 0, was " + time);
        }
        return time;
    }

    /**
     * The most heap memory a worker may use. One that needs more ends, and its task fails with a {@link
     * WorkerCrashedException} that says so. In a plan: {@code heap=256m}.
     *
     * <p>The default is a share of the memory that the machine, or the container, has: half of it divided by the number
     * of workers and spares, and no more than the quarter that a JVM takes by itself; some 126 MB at least, as the JVM
     * has it. So all workers together leave half to this JVM and everything else. What limits this JVM's own heap is
     * not taken over: {@code -Xmx} or a percentage would hold for each worker anew.
     * {@link ProcessPool.Builder#jvmOptions jvmOptions} may say {@code -Xmx} too.
     *
     * @param size a number of bytes, or with {@code k}, {@code m}, {@code g}
     * @return this
     * @throws IllegalArgumentException if it is not such a number
     */
    public ProcessPool.Builder heap(String size) {
        jvm.heap(size);
        return self();
    }

    /**
     * The most memory that a worker's direct buffers may take together; the default is what the heap may. A task that
     * asks for more fails with the JVM's {@link OutOfMemoryError}, and its worker goes on, unless that cannot send its
     * answer without. In a plan: {@code direct=64m}.
     *
     * @param size a number of bytes, or with {@code k}, {@code m}, {@code g}
     * @return this
     * @throws IllegalArgumentException if it is not such a number
     */
    public ProcessPool.Builder direct(String size) {
        jvm.direct(size);
        return self();
    }

    /**
     * The most memory that a worker's classes may take; by default there is no limit. A worker that needs more ends,
     * and its task fails with a {@link WorkerCrashedException} that says so. In a plan: {@code metaspace=64m}.
     *
     * @param size a number of bytes, or with {@code k}, {@code m}, {@code g}
     * @return this
     * @throws IllegalArgumentException if it is not such a number
     */
    public ProcessPool.Builder metaspace(String size) {
        jvm.metaspace(size);
        return self();
    }

    /**
     * The most resident memory that a worker may use, whatever for: heap, buffers, threads, native libraries, and
     * shared memory that it has touched; not the pages of files it has mapped. A worker that has more while it runs a
     * task, or its initializer, is killed, and the task fails with a {@link WorkerCrashedException} that says so. On
     * Linux alone; by default there is no limit. In a plan: {@code rss=1g}.
     *
     * <p>Each worker that runs something is looked at every 50 ms, and every 10 ms once one has used half of what it
     * may; so a task that is quick can have more for that long. The limit is the worker's, not the task's: what earlier
     * tasks left behind counts. A worker that has done nothing takes some 30 to 50 MB.
     *
     * @param size a number of bytes, or with {@code k}, {@code m}, {@code g}
     * @return this
     * @throws IllegalArgumentException if it is not such a number
     */
    public ProcessPool.Builder rss(String size) {
        rss = Sizes.parse("rss", size);
        return self();
    }

    /**
     * Environment variables of the workers, added to this JVM's own; what has the same name is replaced. In a plan:
     * {@code env.NAME=value}, for each.
     *
     * @param variables names and values
     * @return this
     * @throws IllegalArgumentException if a name is empty or has a {@code =}
     */
    public ProcessPool.Builder environment(Map<String, String> variables) {
        jvm.environment(variables);
        return self();
    }

    /**
     * The workers' working directory; the default is this JVM's. Relative paths that tasks use start there. In a plan:
     * {@code dir=/srv/data}.
     *
     * @param folder a folder that exists
     * @return this
     * @throws IllegalArgumentException if it does not
     */
    public ProcessPool.Builder directory(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new IllegalArgumentException("directory must be a folder that exists, was " + folder);
        }
        jvm.directory(folder.toAbsolutePath());
        return self();
    }

    /**
     * What each worker does before its first task: load a model, open a connection. It travels as a task does, once to
     * each worker that starts, and has no time limit; tasks wait until it has returned.
     *
     * <p>A worker whose initializer throws, or that ends in it - it exits, crashes or is killed - is replaced. When it
     * never succeeds - three times in a row, in each worker at least once, and no worker is up - all tasks that wait or
     * come later fail with a {@link WorkerStartException}; its cause is what the initializer threw in the worker, or a
     * {@link WorkerCrashedException}.
     *
     * @param action what to do
     * @return this
     */
    public ProcessPool.Builder initializer(Action action) {
        initializer = Objects.requireNonNull(action, "action");
        return self();
    }

    /**
     * How long a task that is cancelled, or over its time limit, has to end after the interrupt before its worker is
     * killed; the default is 200 ms. Zero kills at once. In a plan: {@code grace=200ms}.
     *
     * @param period zero or more
     * @return this
     * @throws IllegalArgumentException if it is negative
     */
    public ProcessPool.Builder grace(Duration period) {
        if (period.isNegative()) {
            throw new IllegalArgumentException("grace must be >= 0, was " + period);
        }
        grace = period;
        return self();
    }

    /**
     * Where the workers' standard output and error go; the default is {@link WorkerOutput#LINES}. In a plan: {@code
     * output=inherit}.
     *
     * @param target where to
     * @return this
     */
    public ProcessPool.Builder output(WorkerOutput target) {
        jvm.output(target);
        return self();
    }

    /**
     * Who gets the lines that workers write. The default prints each after its worker's name.
     *
     * @param newListener called by several threads
     * @return this
     */
    public ProcessPool.Builder onLine(LineListener newListener) {
        jvm.onLine(newListener);
        return self();
    }

    /**
     * Lets values of more classes come home. In a plan: {@code allow=com.acme.Money,org.lib.**}.
     *
     * <p>Without it these come home: plain values of the JDK, Kotlin and Scala; what lies in a folder of classes, as a
     * program's own do while it is developed; what lies in the jar of a task, or of an object that was sent with one;
     * and exceptions of any jar that do nothing when they are read. All else is refused, and the message says what to
     * allow.
     *
     * @param patterns class names, {@code package.*}, or {@code package.**} for the packages below it as well
     * @return this
     */
    public ProcessPool.Builder allow(String... patterns) {
        jvm.allow(patterns);
        return self();
    }

    /**
     * Options for the workers' JVMs, after those that Sennit sets, and so instead of them: workers have the serial
     * collector, which starts quickest and needs least, unless {@code -XX:+UseG1GC} or its like names another. In a
     * plan: {@code jvm=-XX:+UseZGC,-Xss4m}; a comma is part of an option unless a hyphen follows, as in
     * {@code jvm=-Xlog:gc,safepoint,-Xss4m}.
     *
     * @param options one option each
     * @return this
     */
    public ProcessPool.Builder jvmOptions(String... options) {
        jvm.jvmOptions(options);
        return self();
    }

    /** Options hold commas themselves; but none begins with another letter. */
    private static String[] optionsIn(String value) {
        if (!value.startsWith("-")) {
            throw new IllegalArgumentException("jvm must be options such as -Xss4m, was \"" + value + "\"");
        }
        return value.split(",(?=-)");
    }

    private static boolean isOn(String option, String word) {
        return switch (word) {
            case "on" -> true;
            case "off" -> false;
            default -> throw new IllegalArgumentException(option + " must be on or off, was \"" + word + "\"");
        };
    }

    private static boolean inherits(String option, String word) {
        return switch (word) {
            case "inherit" -> true;
            case "none" -> false;
            default -> throw new IllegalArgumentException(option + " must be inherit or none, was \"" + word + "\"");
        };
    }

    /**
     * Whether workers get the agents that this JVM was started with: {@code -javaagent}, {@code -agentpath} and
     * {@code -agentlib}, also from {@code JAVA_TOOL_OPTIONS}; by default they do not. For coverage, tracing and
     * profilers. In a plan: {@code agents=inherit}.
     *
     * <p>A debugger is not taken over, as its port is taken: see {@link ProcessPool.Builder#debug(boolean) debug}.
     * Neither is an agent that was attached to this JVM later. An agent that writes a file, or opens a port, has to be
     * able to do so several times.
     *
     * {@snippet :
     * import dev.sennit.process.ProcessPool;
     *
     * ProcessPool pool = ProcessPool.builder().inheritAgents(true).open();
     * }
     *
     * @param wanted true for the same agents
     * @return this
     */
    public ProcessPool.Builder inheritAgents(boolean wanted) {
        jvm.inheritAgents(wanted);
        return self();
    }

    /**
     * Whether workers get all system properties that this JVM has when the pool opens, with those that were set by
     * {@link System#setProperty}; by default they get those of its command line alone. What each JVM sets for itself,
     * such as {@code java.home} and {@code user.dir}, stays its own. In a plan: {@code properties=inherit}.
     *
     * <p>The default time zone and locale need no such wish: where they were set at run time ({@link
     * java.util.TimeZone#setDefault}, {@link java.util.Locale#setDefault(java.util.Locale)}), workers have them as they
     * are when the pool opens, unless {@link ProcessPool.Builder#environment environment} has {@code TZ}, {@code LANG}
     * or {@code LC_...}.
     *
     * {@snippet :
     * import dev.sennit.process.ProcessPool;
     *
     * System.setProperty("app.stage", "test");
     * ProcessPool pool = ProcessPool.builder().inheritProperties(true).open();
     * }
     *
     * @param wanted true for all properties
     * @return this
     */
    public ProcessPool.Builder inheritProperties(boolean wanted) {
        jvm.inheritProperties(wanted);
        return self();
    }

    /**
     * Whether a debugger can be attached to each worker; by default it cannot. Each worker listens at a free port of
     * this machine alone, and says at which, so that with {@link WorkerOutput#LINES} its name stands before: {@code
     * [pool-worker-1] Listening for transport dt_socket at address: 40123}. In a plan: {@code debug=on}.
     *
     * <p>Whoever can reach that port may run any code in the worker. A task that stands at a breakpoint is over its
     * time limit like any other.
     *
     * {@snippet :
     * import dev.sennit.process.ProcessPool;
     *
     * ProcessPool pool = ProcessPool.builder().workers(1).debug(true).open();
     * }
     *
     * @param wanted true for a port
     * @return this
     */
    public ProcessPool.Builder debug(boolean wanted) {
        jvm.debug(wanted);
        return self();
    }

    /**
     * The workers' class path; the default is this JVM's own class path and modules. It has to hold this library.
     * Classes of tasks that are not on it are borrowed from this JVM, with their resources.
     *
     * @param parts jars and folders
     * @return this
     */
    public ProcessPool.Builder classPath(Path... parts) {
        jvm.classPath(parts);
        return self();
    }

    /**
     * How tasks and answers travel; the default is {@link WorkerTransport#AUTO}. In a plan: {@code transport=socket}.
     *
     * @param way which way
     * @return this
     * @throws UnsupportedOperationException if it is {@link WorkerTransport#SHARED_MEMORY}, and that cannot be had here
     */
    public ProcessPool.Builder transport(WorkerTransport way) {
        if (way == WorkerTransport.SHARED_MEMORY) {
            WorkerTransport.ensureSharedMemory();
        }
        transport = Objects.requireNonNull(way, "way");
        return self();
    }

    /**
     * Whether workers start with an archive of the JDK's classes (AppCDS); by default they do, which saves a quarter of
     * their start. In a plan: {@code archive=off}.
     *
     * <p>A pool that is open for some seconds makes one in the background, for itself and later programs with the same
     * JDK and options: some 13 MB in {@code $XDG_CACHE_HOME/sennit} or {@code ~/.cache/sennit}, or the folder that the
     * system property {@code sennit.cache} names; none if that is empty. Where it cannot be made there is none. One
     * that is not used for a month is deleted.
     *
     * @param wanted false for none
     * @return this
     */
    public ProcessPool.Builder archive(boolean wanted) {
        archive = wanted;
        return self();
    }

    @Override
    protected Map<String, Consumer<String>> planOptions() {
        Map<String, Consumer<String>> options = super.planOptions();
        options.put("heap", this::heap);
        options.put("direct", this::direct);
        options.put("metaspace", this::metaspace);
        options.put("rss", this::rss);
        options.put("min", value -> minWorkers(number("min", value)));
        options.put("idle", value -> idle(Durations.parse("idle", value)));
        options.put("spares", value -> spares(number("spares", value)));
        options.put("max-tasks", value -> maxTasks(number("max-tasks", value)));
        options.put("strict-max-tasks", value -> strictMaxTasks(number("strict-max-tasks", value)));
        options.put("max-age", value -> maxAge(Durations.parse("max-age", value)));
        options.put("max-memory", this::maxMemory);
        options.put("dir", value -> directory(Path.of(value)));
        options.put(VARIABLE + "NAME", value -> planOption(VARIABLE + "NAME", value)); // so that messages list it
        options.put("archive", value -> archive(isOn("archive", value)));
        options.put("grace", value -> grace(Durations.parse("grace", value)));
        options.put("output", value -> output(WorkerOutput.parse(value)));
        options.put("allow", value -> allow(value.split(",")));
        options.put("transport", value -> transport(WorkerTransport.parse(value)));
        options.put("jvm", value -> jvmOptions(optionsIn(value)));
        options.put("agents", value -> inheritAgents(inherits("agents", value)));
        options.put("properties", value -> inheritProperties(inherits("properties", value)));
        options.put("debug", value -> debug(isOn("debug", value)));
        return options;
    }

    @Override
    protected boolean planOption(String option, String value) {
        if (!option.startsWith(VARIABLE)) {
            return super.planOption(option, value);
        }
        environment(Map.of(option.substring(VARIABLE.length()), value));
        return true;
    }

    @Override
    protected void planArgument(String count) {
        workers(number("workers", count));
    }

    // ---- what the pool is made of ----

    /**
     * Checks what can only be seen of all settings together.
     *
     * @throws IllegalArgumentException if they contradict each other
     * @throws UnsupportedOperationException if this system has not what they need
     */
    void ensurePossible() {
        if (min != ALL && min > workers) {
            throw new IllegalArgumentException("min must be <= workers, was " + min + " with " + workers + " workers");
        }
        if ((rss != WorkerPolicy.NO_LIMIT || maxMemory != WorkerPolicy.NO_LIMIT) && !LinuxProcess.tellsMemory()) {
            throw new UnsupportedOperationException((rss != WorkerPolicy.NO_LIMIT ? "rss" : "max-memory")
                    + " needs Linux, whose /proc tells how much memory a process uses; here, limit heap, direct and"
                    + " metaspace instead");
        }
        jvm.ensurePossible();
    }

    /** How a worker's JVM is started. */
    WorkerSettings workerSettings() {
        return jvm.build((long) workers + spares);
    }

    /** How many workers there are, and how long each serves. */
    WorkerPolicy policy() {
        return new WorkerPolicy(
                workers,
                Math.min(min, workers),
                Timers.nanos(idle),
                spares,
                maxTasks,
                strictMaxTasks,
                maxAge == null ? WorkerPolicy.NO_LIMIT : Timers.nanos(maxAge),
                maxMemory,
                rss);
    }

    WorkerTransport transport() {
        return transport;
    }

    @Nullable Action initializer() {
        return initializer;
    }

    Duration grace() {
        return grace;
    }

    /** Whether workers may start from an archive of classes. */
    boolean mayArchive() {
        return archive;
    }
}
