package dev.sennit.testing;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Values that differ between two runs of a program: random numbers without a seed, identity hash codes, ids of threads.
 * Classes with memory points ask this class for them. Under exploration they do not differ: what a thread asks for as
 * its third random generator is the same in every schedule. So a schedule can be repeated although the body depends on
 * them.
 *
 * <p>{@link ThreadLocalRandom} is seeded anew in each thread under exploration, and so is the same in every class.
 *
 * <p>They follow from the threads and from the order of questions alone, not from the seed of the schedule: a schedule
 * that is written down has no seed.
 */
public final class PinnedValues {
    /** A kind of such values, in the words of a report. */
    enum Kind {
        RANDOM("random numbers"),
        HASH("identity hash codes"),
        ID("ids of threads");

        private final String words;

        Kind(String words) {
            this.words = words;
        }

        @Override
        public String toString() {
            return words;
        }
    }

    /** The values of one schedule. Only the driver and the threads that it carries. */
    static final class Given {
        /** The id of the body's thread; no real one is as high. */
        private static final long FIRST_ID = 1_000_000_000_000L;

        // made when they are needed: most schedules need none
        private Set<Kind> asked = Set.of();
        private Map<Object, Integer> hashes = Map.of();
        private Map<Integer, Integer> generators = Map.of();

        private void asks(Kind kind) {
            if (asked.isEmpty()) {
                asked = EnumSet.noneOf(Kind.class);
                hashes = new IdentityHashMap<>();
                generators = new HashMap<>();
            }
            asked.add(kind);
        }

        /** Returns a seed for the next generator of a thread. */
        long seed(int thread) {
            asks(Kind.RANDOM);
            int generator = generators.merge(thread, 1, Integer::sum);
            return new SplittableRandom((long) thread << Integer.SIZE | generator).nextLong();
        }

        /** Returns a hash code: that of the object which is asked for as the first is the same in every schedule. */
        int hash(Object object) {
            asks(Kind.HASH);
            return hashes.computeIfAbsent(
                    object, _ -> new SplittableRandom(hashes.size()).nextInt() & Integer.MAX_VALUE);
        }

        /** Returns the id of a thread of the schedule. */
        long id(int thread) {
            asks(Kind.ID);
            return FIRST_ID + thread;
        }

        /** Returns what was asked for. */
        Set<Kind> asked() {
            return asked;
        }
    }

    private static final ClassDesc HERE = ClassDesc.of(PinnedValues.class.getName());
    private static final MethodTypeDesc OF_LONG =
            MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_long);
    private static final MethodTypeDesc TO_LONG = MethodTypeDesc.of(ConstantDescs.CD_long);
    private static final MethodTypeDesc TO_DOUBLE = MethodTypeDesc.of(ConstantDescs.CD_double);
    private static final MethodTypeDesc HASH = MethodTypeDesc.of(ConstantDescs.CD_int, ConstantDescs.CD_Object);
    private static final MethodTypeDesc ID =
            MethodTypeDesc.of(ConstantDescs.CD_long, ClassDesc.of("java.lang.Thread"));

    /** Whether objects of a class have the hash code of {@code Object}. */
    private static final ClassValue<Boolean> HASHED_BY_IDENTITY = new ClassValue<>() {
        @Override
        protected Boolean computeValue(Class<?> type) {
            try {
                return type.getMethod("hashCode").getDeclaringClass() == Object.class;
            } catch (NoSuchMethodException e) {
                throw new AssertionError("each object has one", e);
            }
        }
    };

    private PinnedValues() {}

    // ---- the change of classes ----

    /** Writes the call of a method here instead of another; returns false, and writes nothing, for other calls. */
    static boolean replace(InvokeInstruction call, CodeBuilder code) {
        String owner = call.owner().asInternalName();
        boolean hasArguments = call.typeSymbol().parameterCount() > 0;
        switch (owner + '.' + call.name().stringValue()) {
            case "java/util/Random.<init>", "java/util/SplittableRandom.<init>" -> {
                if (hasArguments) {
                    return false;
                }
                code.invokestatic(HERE, "seed", TO_LONG)
                        .invokespecial(ClassDesc.ofInternalName(owner), "<init>", OF_LONG);
            }
            case "java/lang/Math.random", "java/lang/StrictMath.random" ->
                code.invokestatic(HERE, "random", TO_DOUBLE);
            case "java/lang/System.identityHashCode" -> code.invokestatic(HERE, "identityHashCode", HASH);
            case "java/lang/Object.hashCode" -> code.invokestatic(
                    HERE, call.opcode() == Opcode.INVOKESPECIAL ? "identityHashCode" : "hashCode", HASH);
            case "java/lang/Thread.threadId", "java/lang/Thread.getId" -> code.invokestatic(HERE, "threadId", ID);
            default -> {
                return false;
            }
        }
        return true;
    }

    // ---- what these call ----

    /** For a generator of random numbers that is made without a seed. */
    public static long seed() {
        ScheduleRun run = ScheduleDriver.currentRun();
        return run == null ? ThreadLocalRandom.current().nextLong() : seed(run);
    }

    /** Returns the seed of a thread's {@link ThreadLocalRandom}. */
    static long seedOf(int thread) {
        long mixed = (thread ^ 0x9e3779b97f4a7c15L) * 0xff51afd7ed558ccdL;
        return (mixed ^ mixed >>> 33) * 0xc4ceb9fe1a85ec53L;
    }

    private static long seed(ScheduleRun run) {
        return run.pinned().seed(run.numberOfRunning());
    }

    /** For {@code Math.random}. */
    public static double random() {
        ScheduleRun run = ScheduleDriver.currentRun();
        return run == null ? Math.random() : new Random(seed(run)).nextDouble();
    }

    /** For {@code System.identityHashCode}, and the hash code of {@code Object}. */
    public static int identityHashCode(@Nullable Object object) {
        ScheduleRun run = ScheduleDriver.currentRun();
        return run == null || object == null ? System.identityHashCode(object) : run.pinned().hash(object);
    }

    /** For {@code hashCode} of an object whose class is not known. */
    public static int hashCode(Object object) {
        return HASHED_BY_IDENTITY.get(object.getClass()) ? identityHashCode(object) : object.hashCode();
    }

    /** For the id of a thread. */
    public static long threadId(Thread thread) {
        ScheduleRun run = ScheduleDriver.currentRun();
        int number = run == null ? -1 : run.numberOf(thread);
        return run == null || number < 0 ? thread.threadId() : run.pinned().id(number);
    }
}
