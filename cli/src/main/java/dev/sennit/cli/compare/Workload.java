package dev.sennit.cli.compare;

import dev.sennit.Pool;
import dev.sennit.Task;
import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.UserCode;
import dev.sennit.cli.programs.Primes;
import dev.sennit.cli.programs.SumJob;
import dev.sennit.images.ThumbnailMaker;
import dev.sennit.images.ThumbnailSettings;
import dev.sennit.images.Thumbnails;
import dev.sennit.internal.Nearest;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Work to compare plans with.
 *
 * @param name its name on the command line
 * @param source makes the tasks, anew for every run
 * @param division how the work is divided among the workers of a pool
 */
record Workload(String name, Supplier<List<Task<?>>> source, Division division) {
    /** The names of the built-in workloads. */
    private static final List<String> BUILT_IN =
            List.of("primes", "primes-queue", "primes-split", "sums", "sleep", "thumbnails");
    private static final long SEED = 42;
    private static final int SLEEPS = 20;
    private static final long SLEEP_MILLIS = 50;
    private static final int PHOTOS = 12;

    /** A way to do the work on a pool. */
    @FunctionalInterface
    interface Division {
        /** Makes a task of the pool for each task of the workload. */
        Division TASK_BY_TASK = Candidate::runAll;

        /**
         * Does all the work.
         *
         * @param pool the pool to do it on
         * @param tasks the tasks of the workload; a division that makes its own tasks does the same work with those
         * @return the results, the same for all divisions, in the order of the tasks
         * @throws CommandException naming the task that failed
         */
        List<@Nullable Object> run(Pool pool, List<Task<?>> tasks);
    }

    Workload(String name, Supplier<List<Task<?>>> source) {
        this(name, source, Division.TASK_BY_TASK);
    }

    /**
     * Finds a workload: a built-in one, or a class on the class path.
     *
     * @throws CommandException if there is no such workload, or the class is none
     */
    static Workload named(String name) {
        return named(name, UserCode.of(""));
    }

    /**
     * Finds a workload: a built-in one, or a class that the context class loader finds.
     *
     * @param code where the class is looked for, which errors tell
     * @throws CommandException if there is no such workload, or the class is none
     */
    static Workload named(String name, UserCode code) {
        return switch (name) {
            case "primes" -> new Workload(name, Workload::primes);
            case "primes-queue" ->
                new Workload(name, Workload::primes, (pool, tasks) -> QueuedPrimes.run(pool, Primes.NUMBERS));
            case "primes-split" ->
                new Workload(name, Workload::primes, (pool, tasks) -> SplitPrimes.run(pool, Primes.NUMBERS));
            case "sums" -> new Workload(name, () -> listOf(SumJob.jobs(SEED), job -> job::sum));
            case "sleep" -> new Workload(name, Workload::sleeps);
            case "thumbnails" -> thumbnails(name);
            default -> ofClass(name, code);
        };
    }

    private static List<Task<?>> primes() {
        return listOf(Primes.NUMBERS, number -> () -> Primes.isPrime(number));
    }

    private static <S> List<Task<?>> listOf(List<S> items, java.util.function.Function<S, Task<?>> task) {
        List<Task<?>> tasks = new ArrayList<>();
        items.forEach(item -> tasks.add(task.apply(item)));
        return tasks;
    }

    /** Makes thumbnails of drawn pictures. They are drawn once, and travel with each task, as downloaded ones would. */
    private static Workload thumbnails(String name) {
        var maker = new ThumbnailMaker(ThumbnailSettings.defaults());
        List<byte[]> photos = SamplePhotos.draw(PHOTOS, SEED);
        return new Workload(name, () -> listOf(photos, photo -> () -> sizesAndSums(maker.make(photo))));
    }

    private static List<String> sizesAndSums(Thumbnails made) {
        return made.all().stream()
                .map(one -> one.width() + "x" + one.height() + ":" + Arrays.hashCode(one.bytes()))
                .toList();
    }

    private static List<Task<?>> sleeps() {
        List<Task<?>> tasks = new ArrayList<>();
        for (int i = 0; i < SLEEPS; i++) {
            int number = i;
            tasks.add(() -> {
                Thread.sleep(SLEEP_MILLIS);
                return number;
            });
        }
        return tasks;
    }

    private static Workload ofClass(String name, UserCode code) {
        Class<?> type;
        try {
            type = Class.forName(name, true, Thread.currentThread().getContextClassLoader());
        } catch (ClassNotFoundException e) {
            throw unknown(name, code, e);
        } catch (ExceptionInInitializerError e) {
            throw CommandException.usage("class " + name + ": its static initializer failed: "
                    + CommandException.taskFailure(e.getCause() == null ? e : e.getCause()), e);
        } catch (NoClassDefFoundError e) {
            if (!(e.getCause() instanceof ClassNotFoundException missing)) { // its file is there, but in other letters
                throw unknown(name, code, e);
            }
            throw CommandException.usage("class " + name + ": needs class " + missing.getMessage()
                    + ", which is not there: add its jar to " + UserCode.VARIABLE, e);
        } catch (LinkageError e) {
            throw CommandException.usage("class " + name + ": cannot be loaded: " + CommandException.taskFailure(e), e);
        }
        if (!Supplier.class.isAssignableFrom(type)) {
            throw CommandException.usage("class " + name
                    + ": does not implement java.util.function.Supplier<Collection<Task<?>>>, as a workload has to");
        }
        Supplier<?> supplier = instance(type.asSubclass(Supplier.class));
        return new Workload(name, () -> tasksOf(name, supplier));
    }

    private static CommandException unknown(String name, UserCode code, Throwable cause) {
        String where = code.isEmpty() ? UserCode.VARIABLE : UserCode.VARIABLE + ", which is " + code;
        return CommandException.usage("unknown workload \"" + name + "\": expected " + String.join(", ", BUILT_IN)
                + " or a class on the class path (" + where + ")" + Nearest.hint(name, BUILT_IN), cause);
    }

    private static Supplier<?> instance(@SuppressWarnings("rawtypes") Class<? extends Supplier> type) {
        try {
            return type.getConstructor().newInstance();
        } catch (InvocationTargetException e) {
            throw CommandException.usage(
                    "class " + type.getName() + ": its constructor failed: "
                            + CommandException.taskFailure(e.getCause() == null ? e : e.getCause()),
                    e);
        } catch (ReflectiveOperationException e) {
            throw CommandException.usage("class " + type.getName()
                    + ": has to be a public class with a public constructor that takes nothing", e);
        }
    }

    private static List<Task<?>> tasksOf(String name, Supplier<?> supplier) {
        Object supplied;
        try {
            supplied = supplier.get();
        } catch (RuntimeException | Error e) {
            throw CommandException.usage("class " + name + ": get() failed: " + CommandException.taskFailure(e), e);
        }
        if (!(supplied instanceof Collection<?> collection) || collection.isEmpty()) {
            throw CommandException.usage("class " + name + ": get() has to return a collection of tasks, was "
                    + (supplied instanceof Collection<?> ? "an empty one" : supplied));
        }
        List<Task<?>> tasks = new ArrayList<>();
        for (Object each : collection) {
            if (!(each instanceof Task<?> task)) {
                throw CommandException.usage(
                        "class " + name + ": get() has to return tasks of type dev.sennit.Task, was "
                                + (each == null ? "null" : each.getClass().getName()) + " at index " + tasks.size());
            }
            tasks.add(task);
        }
        return tasks;
    }

    List<Task<?>> tasks() {
        return source.get();
    }

    /**
     * Makes an object that worker processes share.
     *
     * @throws CommandException if this system cannot provide it
     */
    static <T> T shared(Supplier<T> maker) {
        try {
            return maker.get();
        } catch (UnsupportedOperationException | UncheckedIOException e) {
            throw CommandException.failed("worker processes cannot share memory: " + CommandException.oneLine(e), e);
        }
    }
}
