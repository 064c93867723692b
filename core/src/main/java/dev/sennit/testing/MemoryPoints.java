package dev.sennit.testing;

import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.lang.invoke.VarHandle;
import java.security.ProtectionDomain;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The agent that lets a {@link ScheduleExplorer} switch threads between accesses to memory, and that makes their waits
 * take no time.
 *
 * <p>{@code -javaagent:sennit.jar=com.acme.} puts memory points into each class whose name has this prefix: before
 * every access to a field or an element of an array, before entering and leaving a monitor, and before every call into
 * {@code java.util.concurrent} and to a collection of {@code java.util}. Several prefixes are separated by commas. A
 * memory point does nothing in a thread that is not under exploration. Classes of the JDK and of the library get none.
 *
 * <p>With and without prefixes, threads under exploration have the time of their schedule instead of the machine's: in
 * waits of the JDK, and in all other classes that ask {@code System} or {@code java.time} for the time.
 * {@code CompletableFuture} runs on threads of the schedule what it would run on the common pool. Other threads are not
 * affected.
 */
public final class MemoryPoints {
    private static final System.Logger LOGGER = System.getLogger(MemoryPoints.class.getName());

    private static volatile boolean set;
    /** The beginnings of the internal names of classes that get memory points. */
    private static volatile List<String> pointed = List.of();

    /** The names of the classes that have memory points. */
    private static final Set<String> CLASSES = ConcurrentHashMap.newKeySet();

    private MemoryPoints() {}

    /**
     * Called by the JVM.
     *
     * @param beginnings the prefixes of the names of the classes that get memory points, separated by commas; null or
     *     blank for no class
     * @param instrumentation the JVM's instrumentation
     */
    public static void premain(@Nullable String beginnings, Instrumentation instrumentation) {
        List<String> prefixes =
                beginnings == null || beginnings.isBlank()
                        ? List.of()
                        : List.of(beginnings.strip().replace('.', '/').split(","));
        pointed = prefixes;
        if (!instrumentation.isRetransformClassesSupported()) {
            throw new IllegalStateException("the manifest of the agent's jar must say Can-Retransform-Classes: true");
        }
        instrumentation.addTransformer(
                new ClassFileTransformer() {
                    @Override
                    public byte @Nullable [] transform(
                            Module module,
                            @Nullable ClassLoader loader,
                            @Nullable String name,
                            @Nullable Class<?> redefined,
                            @Nullable ProtectionDomain domain,
                            byte[] bytes) {
                        if (name == null) {
                            return null;
                        }
                        boolean points = loader != null && isPointed(name);
                        boolean time = VirtualTime.wants(loader, name);
                        if (!points && !time) {
                            return null;
                        }
                        try {
                            byte[] changed = changed(bytes, loader, points, time, MemoryPoints::isPointed);
                            if (points) {
                                instrumentation.redefineModule(
                                        module, Set.of(MemoryPoints.class.getModule()), Map.of(), Map.of(), Set.of(),
                                        Map.of());
                            }
                            return changed;
                        } catch (RuntimeException | LinkageError e) {
                            String what = points
                                    ? "no memory points in "
                                    : "the time of the machine, not of the schedule, in ";
                            LOGGER.log(System.Logger.Level.WARNING, what + name.replace('/', '.'), e);
                            if (loader == null) {
                                VirtualTime.isIncomplete();
                            }
                            return null;
                        }
                    }
                },
                true);
        VirtualTime.install(instrumentation);
        set = !prefixes.isEmpty();
    }

    private static boolean isPointed(String name) {
        return pointed.stream().anyMatch(name::startsWith);
    }

    /** Returns whether any class may have memory points. */
    static boolean areSet() {
        return set;
    }

    /** Returns whether a class has memory points. */
    static boolean has(String className) {
        return CLASSES.contains(className);
    }

    /**
     * Changes a class.
     *
     * @param bytes the class file
     * @param loader the class's loader, which finds the classes that it refers to; null for the JDK's
     * @param points whether to add memory points
     * @param time whether to redirect its clocks to the time of the schedule
     * @param others tells of the internal name of a class that this one calls whether it has memory points
     * @return the changed class file; null if nothing is to be changed
     */
    static byte @Nullable [] changed(
            byte[] bytes, @Nullable ClassLoader loader, boolean points, boolean time, Predicate<String> others) {
        ClassHierarchyResolver resolver = ClassHierarchyResolver.defaultResolver();
        if (loader != null) {
            resolver = ClassHierarchyResolver.ofResourceParsing(loader).orElse(resolver);
        }
        ClassFile classFile = ClassFile.of(ClassFile.ClassHierarchyResolverOption.of(resolver));
        ClassModel model = classFile.parse(bytes);
        byte @Nullable [] changed = null;
        if (time && VirtualTime.changes(model)) {
            changed = classFile.transformClass(model, VirtualTime.hooksInto(model));
            model = classFile.parse(changed);
        }
        if (!points) {
            return changed;
        }
        CLASSES.add(model.thisClass().asInternalName().replace('/', '.'));
        return classFile.transformClass(model, PointWriter.intoClass(model, loader, others));
    }

    // ---- called by classes with memory points ----

    private static void point(@Nullable Object place, int part, boolean writes, int site) {
        ScheduleRun run = ScheduleDriver.currentRun();
        if (run != null) {
            run.point(place, part, writes, site);
        }
    }

    /** A memory point before an access to an unknown place. */
    public static void point(int site) {
        point(Strand.ANYWHERE, 0, true, site);
    }

    /** Before a monitor is entered or left. */
    public static void monitor(@Nullable Object object, int site) {
        point(object, Strand.MONITOR, true, site);
    }

    /** Before a call to an object that others may call. */
    public static void call(@Nullable Object receiver, int site) {
        point(receiver, 0, true, site);
    }

    /** Before a call that only reads what another may write. */
    public static void look(@Nullable Object receiver, int site) {
        point(receiver, 0, false, site);
    }

    /** Before a question whether a thread has ended, or a wait for that which may end before. */
    public static void askEnd(@Nullable Object thread, int site) {
        point(thread, Strand.END, false, site);
    }

    /** Before the access of a handle, to a field of an object or to an element of an array; the handle tells which. */
    public static void handle(@Nullable Object handle, @Nullable Object first, int site) {
        if (ScheduleDriver.currentRun() != null) {
            boolean isStatic = handle instanceof VarHandle known && known.coordinateTypes().isEmpty();
            point(isStatic ? null : first, Strand.ANY_PART, true, site);
        }
    }

    /** Before the access of an updater to a field of an object. */
    public static void updater(@Nullable Object updater, @Nullable Object object, int site) {
        point(object, Strand.ANY_PART, true, site);
    }

    /** Before a field is read; without an object if it is static. */
    public static void read(@Nullable Object object, int field, int site) {
        point(object, field, false, site);
    }

    /** Before a field is written; without an object if it is static. */
    public static void write(@Nullable Object object, int field, int site) {
        point(object, field, true, site);
    }

    /** Before an element of an array is read. */
    public static void readElement(@Nullable Object array, int index, int site) {
        point(array, ~index, false, site);
    }

    /** Before an element of an array is written. */
    public static void writeElement(@Nullable Object array, int index, int site) {
        point(array, ~index, true, site);
    }

    /** At the end of each turn of a loop. */
    public static void turn() {
        ScheduleRun run = ScheduleDriver.currentRun();
        if (run != null) {
            run.turn();
        }
    }

    /** Before {@code Thread.onSpinWait()}: the calling thread waits for another in a busy loop. */
    public static void spinning() {
        if (ScheduleDriver.currentRun() != null) {
            Thread.yield();
        }
    }

    // ---- for data races; none of these is a point ----

    private static @Nullable ScheduleRun runWithRaces() {
        return DataRaces.areLookedFor() ? ScheduleDriver.currentRun() : null;
    }

    /** At the begin of a method; returns what {@link #exits} is to be told. */
    public static int enters() {
        ScheduleRun run = runWithRaces();
        return run == null ? DataRaces.FROM_INSIDE : run.enters();
    }

    /** At the end of a method. */
    public static void exits(int how) {
        if (how != DataRaces.FROM_INSIDE) {
            ScheduleRun run = runWithRaces();
            if (run != null) {
                run.onRaces((races, self) -> races.exits(self, how));
            }
        }
    }

    /** At the end of a class initializer. */
    public static void initialized() {
        ScheduleRun run = runWithRaces();
        if (run != null) {
            run.onRaces(DataRaces::initialized);
        }
    }

    /** Before a call of code without memory points. */
    public static void callsOut() {
        ScheduleRun run = runWithRaces();
        if (run != null) {
            run.onRaces(DataRaces::callsOut);
        }
    }

    /** Before a call of code without memory points, if the receiver is known. */
    public static void callsOut(@Nullable Object receiver) {
        ScheduleRun run = runWithRaces();
        if (run != null) {
            run.onRaces((races, self) -> races.callsOut(self, receiver));
        }
    }

    /** Before a call of an interface by its internal name. */
    public static void calls(String type) {
        ScheduleRun run = runWithRaces();
        if (run != null) {
            run.onRaces((races, self) -> races.calls(self, type));
        }
    }

    /** Before a monitor is left where there is no point. */
    public static void releases(Object monitor) {
        ScheduleRun run = runWithRaces();
        if (run != null) {
            run.onRaces((races, self) -> races.releases(self, monitor));
        }
    }

    /** Before the start of a thread. */
    public static void starts() {
        ScheduleRun run = runWithRaces();
        if (run != null) {
            run.onRaces(DataRaces::arrives);
        }
    }

    /** Before a question about a thread. */
    public static void asks() {
        ScheduleRun run = runWithRaces();
        if (run != null) {
            run.onRaces(DataRaces::asks);
        }
    }

    /** Before a thread sleeps. */
    public static void sleeps() {
        if (Thread.currentThread().isInterrupted()) {
            asks();
        }
    }
}
