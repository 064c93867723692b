package dev.sennit.internal;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Objects;
import java.util.concurrent.Delayed;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinWorkerThread;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.AbstractOwnableSynchronizer;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A custom scheduler of virtual threads: a subclass decides when each of its virtual threads runs, and on which
 * platform thread.
 *
 * <p>Only this class uses members that the JDK does not export: the constructor of the builder of virtual threads that
 * takes a scheduler, and {@code Thread.currentCarrierThread()}. Both need
 * {@code --add-opens java.base/java.lang=dev.sennit} (or {@code =ALL-UNNAMED} when the library is on the class path).
 * {@link #isAvailable} tries them once, by running a virtual thread that sleeps, and does not rely on their names;
 * {@link #whyNotAvailable} tells why they cannot be used.
 *
 * <p>It is a {@code ForkJoinPool} without threads, because the JDK passes the timed waits of a virtual thread to its
 * scheduler only if that is a {@code ForkJoinPool}; with other schedulers timed waits end on a thread of the JDK.
 *
 * <ul>
 *   <li>The JDK calls {@link #execute} when a virtual thread can run: in the thread that unparked it, which may be any
 *       thread, even a virtual thread that is pinned meanwhile. So it must not block, and must not take a lock that a
 *       virtual thread of this scheduler may hold. To continue the virtual thread, call {@code run()} of the argument
 *       on a platform thread; it returns when the virtual thread suspends or ends.
 *   <li>The JDK calls {@link #schedule} on the carrier when a virtual thread begins a timed wait, maybe with the
 *       virtual thread's own locks held. To end the wait, call {@code run()} of the argument.
 *   <li>Virtual threads started by virtual threads of this scheduler belong to it too.
 * </ul>
 *
 * <p>Source: {@code java.lang.VirtualThread} and {@code java.lang.ThreadBuilders} of JDK 25.
 */
public abstract class OwnScheduler extends ForkJoinPool {
    private static final String OPTION = "--add-opens java.base/java.lang="
            + (OwnScheduler.class.getModule().isNamed() ? OwnScheduler.class.getModule().getName() : "ALL-UNNAMED");

    private final Constructor<?> builder;

    /**
     * Creates a scheduler.
     *
     * @throws IllegalStateException if this JVM does not allow it; the message tells why, and the remedy
     */
    protected OwnScheduler() {
        this(Found.HOOK);
    }

    private OwnScheduler(Hook hook) {
        super(1, OwnScheduler::noWorkers, null, true, 0, 1, 0, null, 1, TimeUnit.SECONDS);
        if (hook.builder == null) {
            throw new IllegalStateException(
                    "virtual threads cannot have a scheduler of their own here: " + hook.problem);
        }
        builder = hook.builder;
    }

    private static ForkJoinWorkerThread noWorkers(ForkJoinPool pool) {
        throw new IllegalStateException("this scheduler has no threads of its own");
    }

    /**
     * Returns whether this JVM allows a custom scheduler of virtual threads.
     *
     * @return true if it does
     */
    public static boolean isAvailable() {
        return Found.HOOK.builder != null;
    }

    /**
     * Returns why this JVM does not allow a custom scheduler, and the remedy.
     *
     * @return a line; null when {@link #isAvailable()}
     */
    public static @Nullable String whyNotAvailable() {
        return Found.HOOK.problem;
    }

    /**
     * Returns the platform thread on which the calling code runs, in a virtual thread or not.
     *
     * @return the carrier of the current virtual thread, or the current platform thread
     */
    public static Thread currentCarrier() {
        MethodHandle carrier = Found.CARRIER;
        if (carrier == null) {
            throw new IllegalStateException("carriers cannot be told here: " + Found.HOOK.problem);
        }
        return carrierBy(carrier);
    }

    private static Thread carrierBy(MethodHandle carrier) {
        try {
            return (Thread) carrier.invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Returns the virtual thread that a continuation belongs to.
     *
     * @param continuation the argument of {@link #execute}
     * @return its thread; null if it is not a continuation, or if this JDK does not tell
     */
    public static @Nullable Thread threadOf(Runnable continuation) {
        Continuations known = Continuations.known;
        if (known == null || known.type != continuation.getClass()) {
            known = Continuations.find(continuation.getClass());
            if (known == null) {
                return null;
            }
            Continuations.known = known;
        }
        try {
            return (Thread) known.thread.invokeExact(continuation);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Returns whether the calling platform thread, or a virtual thread that it carried, may have submitted a task to
     * another {@code ForkJoinPool} since {@link #forgetSubmissions}. The first submission on a carrier initializes the
     * carrier's probe, which few other calls do, such as those of {@code ThreadLocalRandom}.
     *
     * @return false if it certainly has not; true if it may have, or if this JDK does not tell
     */
    public static boolean mayHaveSubmitted() {
        return Probe.OF_CARRIER == null || (int) Probe.OF_CARRIER.get(Thread.currentThread()) != 0;
    }

    /** Resets {@link #mayHaveSubmitted} for the calling platform thread. */
    public static void forgetSubmissions() {
        if (Probe.OF_CARRIER != null) {
            Probe.OF_CARRIER.set(Thread.currentThread(), 0);
        }
    }

    /**
     * Seeds the {@code ThreadLocalRandom} of a virtual thread that has not used it yet; does nothing if this JDK has
     * another one.
     *
     * @param thread the thread, which does not run
     * @param seed the seed
     */
    public static void seedRandom(Thread thread, long seed) {
        if (Probe.OF_CARRIER != null && Probe.SEED != null) {
            Probe.SEED.set(thread, seed);
            Probe.OF_CARRIER.set(thread, 1); // it is seeded
        }
    }

    /** Initialized on first use. */
    private static final class Probe {
        static final @Nullable VarHandle OF_CARRIER = find("threadLocalRandomProbe", int.class);
        static final @Nullable VarHandle SEED = find("threadLocalRandomSeed", long.class);

        private static @Nullable VarHandle find(String field, Class<?> type) {
            try {
                return MethodHandles.privateLookupIn(Thread.class, MethodHandles.lookup())
                        .findVarHandle(Thread.class, field, type);
            } catch (ReflectiveOperationException | RuntimeException e) {
                return null;
            }
        }
    }

    /**
     * Returns the thread that holds a lock of {@code java.util.concurrent.locks} exclusively. For diagnostics.
     *
     * @param blocker the {@link LockSupport#getBlocker} of a thread that waits
     * @return the holder; null if no thread holds the lock, the blocker is not a lock, or the JDK does not tell
     */
    public static @Nullable Thread ownerOf(@Nullable Object blocker) {
        try {
            return blocker instanceof AbstractOwnableSynchronizer && Owner.GETTER != null
                    ? (Thread) Owner.GETTER.invoke(blocker)
                    : null;
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** Initialized on first use. */
    private static final class Owner {
        static final @Nullable Method GETTER = find();

        private static @Nullable Method find() {
            try {
                Method getter = AbstractOwnableSynchronizer.class.getDeclaredMethod("getExclusiveOwnerThread");
                getter.setAccessible(true);
                return getter;
            } catch (ReflectiveOperationException | RuntimeException e) {
                return null;
            }
        }
    }

    /**
     * Returns a builder of virtual threads of this scheduler.
     *
     * @return a new builder
     */
    public Thread.Builder.OfVirtual threads() {
        return Hook.newBuilder(builder, this);
    }

    @Override
    public abstract void execute(Runnable continuation);

    @Override
    public abstract Timeout schedule(Runnable timeout, long delay, TimeUnit unit);

    /** The pending end of a timed wait. The JDK uses only its {@code cancel}. */
    public static class Timeout implements ScheduledFuture<@Nullable Object> {
        private volatile boolean cancelled;

        @Override
        public boolean cancel(boolean mayInterrupt) {
            cancelled = true;
            return true;
        }

        @Override
        public final boolean isCancelled() {
            return cancelled;
        }

        @Override
        public final boolean isDone() {
            return cancelled;
        }

        @Override
        public final Object get() {
            throw new UnsupportedOperationException();
        }

        @Override
        public final Object get(long timeout, TimeUnit unit) {
            throw new UnsupportedOperationException();
        }

        @Override
        public final long getDelay(TimeUnit unit) {
            throw new UnsupportedOperationException();
        }

        @Override
        public final int compareTo(Delayed other) {
            throw new UnsupportedOperationException();
        }
    }

    /**
     * Continuations are {@code this::runContinuation} of a virtual thread: objects of one class, with one field.
     *
     * @param type their class
     * @param thread reads the field
     */
    private record Continuations(Class<?> type, MethodHandle thread) {
        /** Racy single-check: all threads write an equal value. */
        private static volatile @Nullable Continuations known;

        static @Nullable Continuations find(Class<?> type) {
            try {
                for (Field field : type.getDeclaredFields()) {
                    if (field.getType().getName().equals("java.lang.VirtualThread")) {
                        field.setAccessible(true);
                        MethodHandle getter = MethodHandles.lookup().unreflectGetter(field);
                        return new Continuations(type,
                                getter.asType(MethodType.methodType(Thread.class, Runnable.class)));
                    }
                }
            } catch (IllegalAccessException | RuntimeException e) {
                // another JDK has other members
            }
            return null;
        }
    }

    /** A class of its own, as another thread uses {@link Hook} before this is initialized. */
    private static final class Found {
        static final Hook HOOK = Hook.find();
        /** A constant for the JIT compiler. */
        static final @Nullable MethodHandle CARRIER = HOOK.carrier;
    }

    /** The members of the JDK that were found. */
    private static final class Hook {
        final @Nullable Constructor<?> builder;
        final @Nullable MethodHandle carrier;
        final @Nullable String problem;

        Hook(@Nullable Constructor<?> builder, @Nullable MethodHandle carrier, @Nullable String problem) {
            this.builder = builder;
            this.carrier = carrier;
            this.problem = problem;
        }

        static Hook find() {
            Hook found;
            try {
                MethodHandle carrier = MethodHandles.privateLookupIn(Thread.class, MethodHandles.lookup())
                        .findStatic(Thread.class, "currentCarrierThread", MethodType.methodType(Thread.class));
                Constructor<?> builder = Class.forName("java.lang.ThreadBuilders$VirtualThreadBuilder")
                        .getDeclaredConstructor(Executor.class);
                builder.setAccessible(true);
                found = new Hook(builder, carrier, null);
            } catch (IllegalAccessException | RuntimeException e) {
                return new Hook(null, null, "start java with " + OPTION);
            } catch (ReflectiveOperationException e) {
                return new Hook(null, null, "Java " + Runtime.version() + " is not made as expected (" + e + ')');
            }
            return works(found)
                    ? found
                    : new Hook(null, null, "Java " + Runtime.version() + " has it, but it does not work as expected");
        }

        /**
         * Tries a scheduler with a virtual thread that parks for a while. In a platform thread, which can be a carrier.
         */
        private static boolean works(Hook found) {
            var seen = new AtomicInteger();
            Thread platform = Thread.ofPlatform().daemon().name("sennit-probe")
                    .unstarted(() -> probe(found, Objects.requireNonNull(found.carrier), seen));
            platform.start();
            Uninterruptibles.await(platform::join);
            return seen.get() == 3;
        }

        private static void probe(Hook found, MethodHandle carrier, AtomicInteger seen) {
            try {
                // If a virtual thread of a custom scheduler initialized this class, the poller threads would belong to
                // that scheduler. When the scheduler ended, socket reads in all other virtual threads would never
                // return.
                Class.forName("sun.nio.ch.Poller");
            } catch (ClassNotFoundException | LinkageError e) {
                // without that class there is no problem to prevent
            }
            var once = new OwnScheduler(found) {
                private @Nullable Runnable ready;
                private @Nullable Runnable due;

                @Override
                public void execute(Runnable continuation) {
                    ready = continuation;
                }

                @Override
                public Timeout schedule(Runnable timeout, long delay, TimeUnit unit) {
                    due = timeout;
                    return new Timeout();
                }

                void runReady() {
                    Runnable next = ready;
                    ready = null;
                    if (next != null) {
                        next.run();
                    }
                }
            };
            Thread here = Thread.currentThread();
            Thread there = once.threads().unstarted(() -> {
                if (carrierBy(carrier) == here) {
                    seen.incrementAndGet();
                }
                LockSupport.parkNanos(Long.MAX_VALUE);
                seen.incrementAndGet();
                resolveInterruptedException();
            });
            there.start();
            once.runReady();
            if (once.due != null) {
                once.due.run();
                once.runReady();
            }
            if (!there.isAlive()) {
                seen.incrementAndGet();
            }
        }

        /**
         * Interrupts a sleeping virtual thread once, which resolves the exception's class. If sleep() is compiled
         * before, each thread that is interrupted in it is deoptimized and continues in the interpreter.
         */
        private static void resolveInterruptedException() {
            Thread.currentThread().interrupt();
            try {
                Thread.sleep(1);
            } catch (InterruptedException e) {
                // as intended
            }
        }

        static Thread.Builder.OfVirtual newBuilder(Constructor<?> builder, Executor scheduler) {
            try {
                return (Thread.Builder.OfVirtual) builder.newInstance(scheduler);
            } catch (InvocationTargetException e) {
                throw new AssertionError(e.getCause());
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
        }
    }
}
