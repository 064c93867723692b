package dev.sennit.testing;

import java.lang.ref.WeakReference;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The data races of one schedule: two accesses of two threads to the same field or element, of which at least one is a
 * write, and which nothing orders.
 *
 * <h2>Clocks</h2> As in FastTrack (Flanagan and Freund, PLDI 2009): each thread has a clock, which counts its own
 * releases and knows the counts of other threads up to which they are ordered before it. An access keeps its thread's
 * count. It is ordered before what another thread does if that thread's clock knows this count. A thread that releases
 * an object leaves its clock there; one that acquires the object takes it over.
 *
 * <p>A memory point comes just before its access, and no other thread runs between the two. So an access is noted when
 * its thread leaves the point.
 *
 * <h2>What orders</h2> Rather too much is ordered than too little: a race that is told must be one. Two accesses that
 * race can come one directly after the other, and do so in some schedules, where no edge too many lies between them.
 *
 * <ul>
 *   <li>The start of a thread.
 *   <li>Volatile fields: a write releases, a read acquires.
 *   <li>Monitors, and the calls of classes of {@code java.util.concurrent} that share no state with other objects
 *       ({@link #SELF_CONTAINED}): each call releases and acquires the object. It may wait, so it acquires once more
 *       where its thread comes to its next point.
 *   <li>All else that may synchronize in code that has no memory points - a {@code Condition} that belongs to a lock,
 *       a view of a map, an executor, a library: see {@link #everything}. Such code also calls back: it runs a task, or
 *       a lambda. So methods with memory points tell when they begin and end. One that was called by other code is
 *       ordered after everything said before, and before everything that is said later.
 *   <li>A class initializer, before everything that follows.
 * </ul>
 *
 * <p>{@code said} has the clocks of all that was ever released, and {@code wide} those that were left for anyone. What
 * may be ordered with anything acquires {@code said}; all else acquires {@code wide}.
 *
 * <p>What a field is - volatile, final, of which class - is looked up by reflection when it is first accessed. Final
 * fields are left out. A {@code VarHandle} or an updater of a field synchronizes, and is no access: its mode is
 * unknown.
 *
 * <h2>Memory</h2> Objects are held until the schedule ends, and only in schedules in which races are looked for.
 *
 * <p>Only the driver and the threads that it carries touch an object of this class.
 */
final class DataRaces {
    /** So many races are told of one schedule. */
    private static final int MOST_TOLD = 5;

    /** What a thread has called and may not have come back from. */
    private static final Object ANYTHING = new Object();
    /** The same for a question about a thread, which only acquires. */
    private static final Object QUESTION = new Object();

    /** How a method with memory points was called: by another such method. */
    static final int FROM_INSIDE = 0;
    /** By code without memory points. */
    static final int CALLED_BACK = 1;
    /** As the whole of a thread that a method with memory points has started. */
    static final int WHOLE_THREAD = 2;

    /** Runs that look for races now. Other runs, and other threads, do not even ask to which schedule they belong. */
    private static final AtomicInteger LOOKING = new AtomicInteger();

    private static final StackWalker CALLERS = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

    // ---- what calls do ----

    /** Classes of {@code java.util.concurrent} that synchronize with none but themselves. */
    private static final Set<String> SELF_CONTAINED = Set.of(
            "java.util.concurrent.ArrayBlockingQueue",
            "java.util.concurrent.ConcurrentHashMap",
            "java.util.concurrent.ConcurrentLinkedDeque",
            "java.util.concurrent.ConcurrentLinkedQueue",
            "java.util.concurrent.CountDownLatch",
            "java.util.concurrent.CyclicBarrier",
            "java.util.concurrent.Exchanger",
            "java.util.concurrent.LinkedBlockingDeque",
            "java.util.concurrent.LinkedBlockingQueue",
            "java.util.concurrent.Semaphore",
            "java.util.concurrent.SynchronousQueue",
            "java.util.concurrent.atomic.AtomicBoolean",
            "java.util.concurrent.atomic.AtomicInteger",
            "java.util.concurrent.atomic.AtomicIntegerArray",
            "java.util.concurrent.atomic.AtomicLong",
            "java.util.concurrent.atomic.AtomicLongArray",
            "java.util.concurrent.atomic.AtomicReference",
            "java.util.concurrent.atomic.AtomicReferenceArray",
            "java.util.concurrent.locks.ReentrantLock",
            "java.util.concurrent.locks.StampedLock");

    private static final String CONCURRENT = "java.util.concurrent.";

    /** Classes of {@code java.lang} whose methods do not synchronize, nor call what does. */
    private static final Set<String> PLAIN_LANG = Set.of(
            "Boolean", "Byte", "Character", "Class", "Double", "Enum", "Float", "Integer", "Long", "Math", "Record",
            "Short", "StackTraceElement", "StrictMath", "String", "StringBuilder", "System", "ThreadLocal",
            "Throwable");

    /** The same of {@code java.util}; their nested classes, such as iterators, are meant too. */
    private static final Set<String> PLAIN_UTIL = Set.of(
            "ArrayDeque", "ArrayList", "Arrays", "BitSet", "EnumMap", "HashMap", "HashSet", "ImmutableCollections",
            "LinkedHashMap", "LinkedHashSet", "LinkedList", "Objects", "Optional", "OptionalInt", "OptionalLong",
            "PriorityQueue", "TreeMap", "TreeSet", "UUID");

    /** What the methods of threads do that ask or change nothing of another's state. */
    private static final Set<String> PLAIN_OF_THREADS = Set.of(
            "<init>", "currentThread", "getId", "getName", "getPriority", "getStackTrace", "isDaemon", "isVirtual",
            "name", "ofVirtual", "onSpinWait", "setDaemon", "setName", "threadId", "toString", "unstarted", "yield");

    /** What these ask of a thread they acquire. */
    private static final Set<String> QUESTIONS_TO_THREADS =
            Set.of("getState", "interrupted", "isAlive", "isInterrupted", "join");

    /** What a call of code without memory points does. */
    enum Call {
        /** Nothing that orders. */
        PLAIN,
        /** It starts a thread. */
        START,
        /** It asks about a thread. */
        QUESTION,
        /** It sleeps: a thread that was interrupted before does not, and so learns of the interrupt. */
        SLEEP,
        /** It depends on the class of the object. */
        BY_RECEIVER,
        /** Anything. */
        ANYTHING
    }

    /** Returns what a call does; calls to {@code java.util.concurrent} and {@code VarHandle} have a point instead. */
    static Call call(String owner, String method, String type, boolean isStatic) {
        if (mayCallOn(type)) {
            return Call.ANYTHING;
        }
        if (owner.startsWith("[")) {
            return Call.PLAIN;
        }
        String outer = owner.indexOf('$') < 0 ? owner : owner.substring(0, owner.indexOf('$'));
        String name = outer.substring(outer.lastIndexOf('/') + 1);
        if (owner.equals("java/lang/Object")) {
            return method.equals("wait") ? Call.ANYTHING : Call.PLAIN;
        }
        if (outer.equals("java/lang/Thread")) {
            return PLAIN_OF_THREADS.contains(method)
                    ? Call.PLAIN
                    : QUESTIONS_TO_THREADS.contains(method)
                            ? Call.QUESTION
                            : method.startsWith("start")
                                    ? Call.START
                                    : method.equals("sleep") ? Call.SLEEP : Call.ANYTHING;
        }
        if (isIn("java/lang/", outer) && (PLAIN_LANG.contains(name) || isThrowable(name))
                || outer.startsWith("java/time/") && !name.equals("Clock")
                || outer.startsWith("java/math/")) {
            return Call.PLAIN;
        }
        if (isIn("java/util/", outer)) {
            if (PLAIN_UTIL.contains(name) || isThrowable(name)
                    || isStatic && method.equals("of")) {
                return Call.PLAIN;
            }
            return isStatic ? Call.ANYTHING : Call.BY_RECEIVER;
        }
        return owner.equals("java/lang/Iterable") ? Call.BY_RECEIVER : Call.ANYTHING;
    }

    /** Returns whether an argument may be a function, or a collection or view that synchronizes. */
    private static boolean mayCallOn(String type) {
        String arguments = type.substring(0, type.indexOf(')') + 1);
        return arguments.contains("Ljava/util/") || arguments.contains("Ljava/lang/Iterable;");
    }

    private static boolean isIn(String folder, String outer) {
        return outer.startsWith(folder) && outer.indexOf('/', folder.length()) < 0;
    }

    private static boolean isThrowable(String name) {
        return name.endsWith("Exception") || name.endsWith("Error");
    }

    /** What an object is as the receiver of calls. */
    private enum Role {
        /** Not of {@code java.util.concurrent}. */
        PLACE,
        SELF_CONTAINED,
        SHARES_STATE,
        /** A collection that does not synchronize. */
        PLAIN
    }

    private static final ClassValue<Role> ROLES = new ClassValue<>() {
        @Override
        protected Role computeValue(Class<?> type) {
            for (Class<?> one = type; one != null; one = one.getSuperclass()) {
                String name = one.getName();
                if (SELF_CONTAINED.contains(name)) {
                    return Role.SELF_CONTAINED;
                }
                if (name.startsWith(CONCURRENT) || isOfConcurrent(one.getInterfaces())) {
                    return Role.SHARES_STATE;
                }
            }
            return call(type.getName().replace('.', '/'), "", "()V", false) == Call.PLAIN ? Role.PLAIN : Role.PLACE;
        }

        private boolean isOfConcurrent(Class<?>[] interfaces) {
            for (Class<?> one : interfaces) {
                if (one.getName().startsWith(CONCURRENT) || isOfConcurrent(one.getInterfaces())) {
                    return true;
                }
            }
            return false;
        }
    };

    /** Returns whether a call of an object may touch what others hold, too: a lock of a pair, a view. */
    static boolean sharesState(@Nullable Object receiver) {
        if (receiver == null) {
            return false;
        }
        Class<?> type = receiver.getClass();
        return ROLES.get(type) == Role.SHARES_STATE
                || type.getName().startsWith("java.util.") && type.getName().indexOf('$') > 0
                        && !type.getName().startsWith("java.util.ImmutableCollections");
    }

    /**
     * Interfaces whose objects may be references to methods without memory points, such as {@code latch::await}: a call
     * of the interface does what these do, and none of their code tells so.
     */
    private static final Set<String> REFERRED = ConcurrentHashMap.newKeySet();

    /** Notes that an object of an interface may be a reference to a method without memory points. */
    static void isReferred(String type) {
        REFERRED.add(type);
    }

    // ---- fields ----

    /** A field as an instruction names it. */
    private record Named(String owner, String name, boolean isStatic, WeakReference<ClassLoader> loader) {}

    /** A field as it is declared. */
    private record Declared(String name, boolean isStatic, boolean isFinal, boolean isVolatile) {
        /** For a field that is not found: nobody can tell that it is not volatile. */
        static final Declared UNKNOWN = new Declared("?", false, false, true);

        @Override
        public String toString() {
            return (isStatic ? "static field " : "field ") + name;
        }
    }

    /** The fields that points are before, by the numbers of the points. Grows by copies; written with the lock. */
    private static volatile @Nullable Named[] sites = new Named[1024];

    /** The fields that a class declares. */
    private static final ClassValue<Map<String, Declared>> DECLARED = new ClassValue<>() {
        @Override
        protected Map<String, Declared> computeValue(Class<?> type) {
            var fields = new HashMap<String, Declared>();
            for (Field field : type.getDeclaredFields()) {
                int flags = field.getModifiers();
                String name = type.getName() + '.' + field.getName();
                fields.put(field.getName(),
                        new Declared(name, Modifier.isStatic(flags), Modifier.isFinal(flags),
                                Modifier.isVolatile(flags)));
            }
            return fields;
        }
    };

    /** The fields of objects of a class, as instructions name them. */
    private static final ClassValue<Map<Named, Declared>> SEEN = new ClassValue<>() {
        @Override
        protected Map<Named, Declared> computeValue(Class<?> type) {
            return new ConcurrentHashMap<>();
        }
    };

    /** Notes to which field a point belongs. */
    static void isBefore(int site, String owner, String name, boolean isStatic, @Nullable ClassLoader loader) {
        synchronized (LOOKING) {
            @Nullable Named[] known = sites;
            if (site >= known.length) {
                known = Arrays.copyOf(known, 2 * site);
            }
            known[site] = new Named(owner.replace('/', '.'), name, isStatic, new WeakReference<>(loader));
            sites = known;
        }
    }

    private static Declared declared(Named field, @Nullable Object object) {
        try {
            if (field.isStatic) {
                Class<?> owner = Class.forName(field.owner, false, field.loader.get());
                return SEEN.get(owner).computeIfAbsent(field, _ -> ofStatic(owner, field.name));
            }
            Class<?> type = Objects.requireNonNull(object).getClass();
            return SEEN.get(type).computeIfAbsent(field, _ -> ofObject(type, field));
        } catch (ClassNotFoundException | LinkageError e) {
            return Declared.UNKNOWN;
        }
    }

    private static Declared ofObject(Class<?> type, Named field) {
        Class<?> owner = type;
        while (owner != null && !owner.getName().equals(field.owner)) {
            owner = owner.getSuperclass();
        }
        for (Class<?> one = owner; one != null; one = one.getSuperclass()) {
            Declared found = DECLARED.get(one).get(field.name);
            if (found != null) {
                return found;
            }
        }
        return Declared.UNKNOWN;
    }

    private static Declared ofStatic(Class<?> owner, String name) {
        Declared found = DECLARED.get(owner).get(name);
        for (Class<?> one : owner.getInterfaces()) {
            found = found == null || found == Declared.UNKNOWN ? ofStatic(one, name) : found;
        }
        Class<?> above = owner.getSuperclass();
        return found != null && found != Declared.UNKNOWN
                ? found
                : above == null ? Declared.UNKNOWN : ofStatic(above, name);
    }

    // ---- one schedule ----

    /** Of each thread, by its number, the count that is known. */
    private static final class Clock {
        private int[] counts = new int[8];

        int of(int thread) {
            return thread < counts.length ? counts[thread] : 0;
        }

        void tick(int thread) {
            if (thread >= counts.length) {
                counts = Arrays.copyOf(counts, 2 * thread);
            }
            counts[thread]++;
        }

        void join(Clock other) {
            int[] others = other.counts;
            if (others.length > counts.length) {
                counts = Arrays.copyOf(counts, others.length);
            }
            for (int i = 0; i < others.length; i++) {
                counts[i] = Math.max(counts[i], others[i]);
            }
        }
    }

    /** What is known of a thread. */
    private static final class Progress {
        final Strand strand;
        final Clock clock = new Clock();
        /** Whether a method with memory points has started it, and not code that such a method has called. */
        final boolean isStartedInside;

        /** Whether it runs code with memory points, as far as is known. */
        boolean isInside;
        /** Whether it has come to such code. */
        boolean hasEntered;
        /** Whether the code that it was made for has ended, in a thread that runs nothing else. */
        boolean isDone;
        /** The object that it has called: what others release there it acquires at its next point. */
        @Nullable Object called;

        Progress(Strand strand, boolean isStartedInside) {
            this.strand = strand;
            this.isStartedInside = isStartedInside;
            called = isStartedInside ? null : ANYTHING;
            clock.tick(strand.number);
        }
    }

    /** An access to a field or element; the trace is that of the thread then. */
    private record Access(Strand strand, int count, boolean writes, int site, @Nullable Throwable trace) {}

    /** A field or an element of an object. */
    private static final class Location {
        /** What others released; for a volatile field. */
        final Clock clock = new Clock();

        @Nullable Access write;
        /** Of each thread the last, of those that are not ordered before another. */
        final List<Access> reads = new ArrayList<>(2);

        boolean wasReadBy(int thread, int count) {
            for (Access read : reads) {
                if (read.strand.number == thread && read.count == count) {
                    return true;
                }
            }
            return false;
        }
    }

    /** What is known of an object. */
    private static final class Seen {
        final Clock clock = new Clock();
        /** What writes of its volatile fields have released, for handles and updaters; null if nothing. */
        @Nullable Clock byFields;
        /** What handles and updaters of its fields have released, for reads of its volatile fields; null if nothing. */
        @Nullable Clock byHandles;
        /** By the declared field, or by the index of the element. */
        final Map<Object, Location> locations = new HashMap<>(4);
    }

    /** A race that was found. */
    private record Race(String what, Access earlier, Access later) {}

    private final boolean takesTraces;
    private final Set<String> harmless;
    private final List<Progress> threads = new ArrayList<>();
    private final Map<Object, Seen> objects = new IdentityHashMap<>();
    private final Clock said = new Clock();
    private final Clock wide = new Clock();
    private final List<Race> races = new ArrayList<>();
    private final Set<List<Integer>> told = new HashSet<>();

    /**
     * Looks for the races of a schedule.
     *
     * @param takesTraces whether the stacks of accesses are kept, which takes time
     * @param harmless the names of fields that are not looked at
     */
    DataRaces(boolean takesTraces, Set<String> harmless) {
        this.takesTraces = takesTraces;
        this.harmless = harmless;
    }

    /** Returns whether any schedule that runs now looks for races. */
    static boolean areLookedFor() {
        return LOOKING.get() > 0;
    }

    void begin() {
        LOOKING.incrementAndGet();
    }

    void end() {
        LOOKING.decrementAndGet();
        objects.clear();
    }

    // ---- threads ----

    private Progress of(Strand strand) {
        return threads.get(strand.number);
    }

    /** Notes a new thread; {@code starter} is null if no thread runs. */
    void made(Strand strand, @Nullable Strand starter) {
        Progress from = starter == null ? null : of(starter);
        var progress = new Progress(strand, from != null && from.isInside);
        threads.add(progress);
        if (from == null) {
            progress.clock.join(said);
        } else {
            orders(from, progress);
        }
    }

    /** Notes that the running thread has made another one ready. */
    void wakes(Strand running, Strand other) {
        orders(of(running), of(other));
    }

    private static void orders(Progress before, Progress after) {
        after.clock.join(before.clock);
        before.clock.tick(before.strand.number);
    }

    /** Notes that a thread waits or makes way, but not at a point. */
    void suspends(Strand strand) {
        Progress self = of(strand);
        if (!self.isInside && self.called == ANYTHING || !self.hasEntered) {
            everything(self);
        }
    }

    void ended(Strand strand) {
        Progress self = of(strand);
        if (self.isDone) {
            release(self, said);
        } else {
            everything(self);
        }
    }

    // ---- edges ----

    private static void release(Progress self, Clock to) {
        to.join(self.clock);
        self.clock.tick(self.strand.number);
    }

    /**
     * Orders a thread after all that was said, and before all that will be. For code whose synchronization is unknown,
     * when it is called, when it calls back or suspends, and when it has returned: it may have taken what any thread
     * has released, and have passed it on.
     */
    private void everything(Progress self) {
        self.clock.join(said);
        said.join(self.clock);
        release(self, wide);
        wide.join(said);
    }

    private Seen seen(Object object) {
        return objects.computeIfAbsent(object, _ -> new Seen());
    }

    /** Acquires what the called object has by now. */
    private void comesBack(Progress self) {
        Object called = self.called;
        self.called = null;
        self.isInside = true;
        if (!self.hasEntered) {
            self.hasEntered = true;
            called = ANYTHING; // a method that did not tell when it began
        }
        if (called == ANYTHING) {
            everything(self);
        } else if (called == QUESTION) {
            self.clock.join(said);
        } else if (called != null) {
            self.clock.join(seen(called).clock);
            self.clock.join(wide);
        }
    }

    // ---- what threads do ----

    /** A method with memory points begins; returns how it was called. */
    int enters(Strand strand) {
        Progress self = of(strand);
        if (self.isInside) {
            return FROM_INSIDE;
        }
        boolean isFirst = !self.hasEntered;
        self.hasEntered = true;
        self.isInside = true;
        if (isFirst && self.isStartedInside && isCalledByThread()) {
            return WHOLE_THREAD;
        }
        self.called = null;
        everything(self);
        return CALLED_BACK;
    }

    /** Returns whether the method that tells that it begins is called by nothing but its thread. */
    private static boolean isCalledByThread() {
        return CALLERS.walk(frames -> frames.<Class<?>>map(StackWalker.StackFrame::getDeclaringClass)
                .dropWhile(type -> type == DataRaces.class || type == ScheduleRun.class || type == MemoryPoints.class)
                .skip(1)
                .findFirst()
                .map(type -> type == Thread.class || type.getName().equals("java.lang.VirtualThread"))
                .orElse(false));
    }

    /**
     * A method with memory points ends, which code without them has called. What that code orders is noted when its
     * thread suspends there, or comes back to code with memory points.
     */
    void exits(Strand strand, int how) {
        Progress self = of(strand);
        comesBack(self);
        self.isInside = false;
        self.called = how == WHOLE_THREAD ? QUESTION : ANYTHING;
        self.isDone = how == WHOLE_THREAD;
    }

    /** Before a call of code whose synchronization is unknown. */
    void callsOut(Strand strand) {
        Progress self = of(strand);
        comesBack(self);
        everything(self);
        self.isInside = false;
        self.called = ANYTHING;
    }

    /** Before a call whose synchronization depends on the class of its receiver. */
    void callsOut(Strand strand, @Nullable Object receiver) {
        if (receiver != null && ROLES.get(receiver.getClass()) != Role.PLAIN) {
            callsOut(strand);
        }
    }

    /** Before a call of an interface whose objects have memory points, unless they refer to other methods. */
    void calls(Strand strand, String type) {
        if (REFERRED.contains(type)) {
            callsOut(strand);
        }
    }

    /** Before a question about a thread. */
    void asks(Strand strand) {
        Progress self = of(strand);
        comesBack(self);
        self.called = QUESTION;
    }

    /** Leaves a monitor where there is no point. */
    void releases(Strand strand, Object monitor) {
        Progress self = of(strand);
        comesBack(self);
        seen(monitor).clock.join(self.clock);
        release(self, said);
    }

    /** After a class was initialized: all that is done later is ordered after it. */
    void initialized(Strand strand) {
        Progress self = of(strand);
        everything(self);
        for (Progress other : threads) {
            other.clock.join(wide);
        }
    }

    /** A thread comes to a memory point, where others may go on, or to the start of another thread. */
    void arrives(Strand strand) {
        comesBack(of(strand));
    }

    /** A thread leaves a memory point, and does next what this is for; see {@link ScheduleRun#point}. */
    void goesOn(Strand strand, @Nullable Object place, int part, boolean writes, int site) {
        Progress self = of(strand);
        if (place == Strand.ANYWHERE) {
            everything(self);
            self.called = ANYTHING;
            self.isInside = false;
        } else if (part >= Strand.MONITOR) {
            if (place == null) { // a static field, by a handle
                everything(self);
            } else {
                if (part == Strand.ANY_PART) {
                    handles(self, seen(place));
                }
                synchronizes(self, place);
            }
        } else if (part == 0) {
            if (place != null) {
                calls(self, place);
            }
        } else if (part < 0) {
            if (place != null) {
                Location location = seen(place).locations.computeIfAbsent(~part, _ -> new Location());
                check(self, location, writes, site, place, ~part, null);
            }
        } else {
            accesses(self, place, writes, site);
        }
    }

    /** Calls an object; {@link #callsOut} tells of those that are not of {@code java.util.concurrent}. */
    private void calls(Progress self, Object place) {
        switch (ROLES.get(place.getClass())) {
            case SHARES_STATE -> {
                everything(self);
                self.isInside = false;
                self.called = ANYTHING;
            }
            case SELF_CONTAINED -> {
                synchronizes(self, place);
                self.isInside = false;
            }
            case PLACE, PLAIN -> {}
        }
    }

    /** Accesses a field by a handle or an updater: it may be any that is volatile, and read or written. */
    private static void handles(Progress self, Seen object) {
        if (object.byFields != null) {
            self.clock.join(object.byFields);
        }
        if (object.byHandles == null) {
            object.byHandles = new Clock();
        }
        object.byHandles.join(self.clock);
    }

    /** Enters or leaves a monitor, or calls an object that synchronizes with none but itself. */
    private void synchronizes(Progress self, Object place) {
        Clock clock = seen(place).clock;
        self.clock.join(wide);
        self.clock.join(clock);
        clock.join(self.clock);
        release(self, said);
        self.called = place;
    }

    private void accesses(Progress self, @Nullable Object object, boolean writes, int site) {
        @Nullable Named[] known = sites;
        Named field = site < known.length ? known[site] : null;
        if (field == null || !field.isStatic && object == null) {
            return; // the access will throw
        }
        Declared declared = declared(field, object);
        if (declared.isFinal || harmless.contains(declared.name)) {
            return;
        }
        if (declared == Declared.UNKNOWN) {
            everything(self);
            return;
        }
        Seen seen = seen(object == null ? declared : object);
        Location location = seen.locations.computeIfAbsent(declared, _ -> new Location());
        if (!declared.isVolatile) {
            check(self, location, writes, site, null, 0, declared);
        } else if (writes) {
            if (seen.byFields == null) {
                seen.byFields = new Clock();
            }
            seen.byFields.join(self.clock);
            location.clock.join(self.clock);
            release(self, said);
        } else {
            self.clock.join(location.clock);
            self.clock.join(wide);
            if (seen.byHandles != null) {
                self.clock.join(seen.byHandles);
            }
        }
    }

    // ---- races ----

    private void check(Progress self, Location location, boolean writes, int site, @Nullable Object array, int index,
            @Nullable Declared field) {
        int number = self.strand.number;
        int count = self.clock.of(number);
        Access write = location.write;
        if (write != null && write.strand.number == number && write.count == count && location.reads.isEmpty()) {
            return; // nothing has changed since
        }
        if (!writes && location.wasReadBy(number, count)) {
            return;
        }
        var access = new Access(self.strand, count, writes, site, takesTraces ? new Throwable() : null);
        if (write != null && !isBefore(write, self)) {
            found(array, index, field, write, access);
        }
        for (int i = location.reads.size() - 1; i >= 0; i--) {
            Access read = location.reads.get(i);
            boolean isOrdered = isBefore(read, self);
            if (writes && !isOrdered) {
                found(array, index, field, read, access);
            }
            if (writes || isOrdered) {
                location.reads.remove(i);
            }
        }
        if (writes) {
            location.write = access;
        } else {
            location.reads.add(access);
        }
    }

    private static boolean isBefore(Access earlier, Progress self) {
        return self.clock.of(earlier.strand.number) >= earlier.count;
    }

    private void found(@Nullable Object array, int index, @Nullable Declared field, Access earlier, Access later) {
        if (races.size() < MOST_TOLD && told.add(List.of(earlier.site, later.site))) {
            String what = field != null
                    ? field.toString()
                    : "element " + index + " of a " + Objects.requireNonNull(array).getClass().getSimpleName();
            races.add(new Race(what, earlier, later));
        }
    }

    boolean areFound() {
        return !races.isEmpty();
    }

    /** Returns the first race in a line; empty if there is none. */
    String first() {
        return races.isEmpty() ? "" : line(races.getFirst());
    }

    private static String line(Race race) {
        return race.what + ", " + verb(race.earlier) + " by " + race.earlier.strand.name() + " and "
                + verb(race.later) + " by " + race.later.strand.name() + ", and nothing orders the two";
    }

    private static String verb(Access access) {
        return access.writes ? "written" : "read";
    }

    /** Returns the races with their stacks; empty if there is none. */
    String text() {
        var text = new StringBuilder();
        for (Race race : races) {
            text.append("data race: ").append(line(race)).append('\n');
            for (Access access : List.of(race.earlier, race.later)) {
                if (access.trace != null) {
                    text.append("  ").append(verb(access)).append(" by ").append(access.strand.name()).append(":\n");
                    Frames.append(text, access.trace.getStackTrace());
                }
            }
        }
        return text.toString();
    }
}
