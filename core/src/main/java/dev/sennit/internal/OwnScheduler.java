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
 * A scheduler of virtual threads that is ours: whoever extends it decides when each of its virtual threads goes on, and
 * on which platform thread.
 *
 * <p>This is the one place in the library that touches what the JDK does not export: the constructor of the builder of
 * virtual threads that takes a scheduler, and {@code Thread.currentCarrierThread()}. Both need
 * {@code --add-opens java.base/java.lang=dev.sennit} (or {@code =ALL-UNNAMED} when the library is on the class path).
 * {@link #isAvailable} tries them once, by running a virtual thread that sleeps, rather than trusting that a member of
 * that name does what it did; {@link #whyNotAvailable} says what is in the way.
 *
 * <p>It is a {@code ForkJoinPool}, though it has no threads, because the JDK hands the timed waits of a virtual thread to
 * its scheduler only if that is one; those of other schedulers end on a thread of the JDK's.
 *
 * <ul>
 *   <li>{@link #execute} is called when a virtual thread can go on: by whoever unparked it, from any thread, also from a
 *       virtual thread that is pinned meanwhile. So it must not block, and must take no lock that a virtual thread of
 *       this scheduler may hold. To go on with the virtual thread, call {@code run()} of what it was given, on a platform
 *       thread; that returns when the virtual thread suspends or ends.
 *   <li>{@link #schedule} is called on the carrier when a virtual thread begins a timed wait, which may be with the
 *       virtual thread's own locks held; to end the wait, call {@code run()} of what it was given.
 *   <li>Virtual threads that one of them starts are of this scheduler too.
 * </ul>
 *
 * <p>Source: {@code java.lang.VirtualThread} and {@code java.lang.ThreadBuilders} of JDK 25.
 */
public abstract class OwnScheduler extends ForkJoinPool {
    private static final String OPTION = "--add-opens java.base/java.lang="
            + (OwnScheduler.class.getModule().isNamed() ? OwnScheduler.class.getModule().getName() : "ALL-UNNAMED");

    private final Constructor<?> builder;

    /**
     * Makes a scheduler.
     *
     * @throws IllegalStateException if this JVM has none for us; the message says why, and what to do
     */
    protected OwnScheduler() {
        this(Found.HOOK);
    }

    private OwnScheduler(Hook hook) {
        super(1, OwnScheduler::noWorkers, null, true, 0, 1, 0, null, 1, TimeUnit.SECONDS);
        if (hook.builder == null) {
            throw new IllegalStateException("virtual threads cannot have a scheduler of their own here: " + hook.problem);
        }
        builder = hook.builder;
    }

    private static ForkJoinWorkerThread noWorkers(ForkJoinPool pool) {
        throw new IllegalStateException("this scheduler has no threads of its own");
    }

    /**
     * Whether virtual threads can have a scheduler of their own in this JVM.
     *
     * @return whether
     */
    public static boolean isAvailable() {
        return Found.HOOK.builder != null;
    }

    /**
     * What is in the way, and what to do.
     *
     * @return one line; null when {@link #isAvailable()}
     */
    public static @Nullable String whyNotAvailable() {
        return Found.HOOK.problem;
    }

    /**
     * The platform thread on which the calling code runs, be it in a virtual thread or not.
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
     * The virtual thread that a continuation belongs to.
     *
     * @param continuation what {@link #execute} was given
     * @return its thread; null if it is something else, or if this JDK does not let us know
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
     * Whether the calling platform thread, or a virtual thread that it carried, may have handed something to a {@code
     * ForkJoinPool} that is not this one since {@link #forgetSubmissions}. To find its place there a thread draws a number,
     * once, for all those on its carrier; it does so for few other things, such as {@code ThreadLocalRandom}.
     *
     * @return false if it certainly has not; true if it may have, or if this JDK does not let us know
     */
    public static boolean mayHaveSubmitted() {
        return Probe.OF_CARRIER == null || (int) Probe.OF_CARRIER.get(Thread.currentThread()) != 0;
    }

    /** Lets the calling platform thread begin anew, as far as {@link #mayHaveSubmitted} goes. */
    public static void forgetSubmissions() {
        if (Probe.OF_CARRIER != null) {
            Probe.OF_CARRIER.set(Thread.currentThread(), 0);
        }
    }

    /** Not looked for before somebody asks. */
    private static final class Probe {
        static final @Nullable VarHandle OF_CARRIER = find();

        private static @Nullable VarHandle find() {
            try {
                return MethodHandles.privateLookupIn(Thread.class, MethodHandles.lookup())
                        .findVarHandle(Thread.class, "threadLocalRandomProbe", int.class);
            } catch (ReflectiveOperationException | RuntimeException e) {
                return null;
            }
        }
    }

    /**
     * The thread that holds a lock of {@code java.util.concurrent.locks} alone. For showing what goes on.
     *
     * @param blocker what {@link LockSupport#getBlocker} said of a thread that waits
     * @return its holder; null if nobody holds it, if it is something else, or if it cannot be told
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

    /** Not looked for before somebody asks. */
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
     * Makes threads that this schedules.
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

    /** The end of a timed wait, to come: all that the JDK asks of one is that it can be called off. */
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
     * @param type that class
     * @param thread reads the field
     */
    private record Continuations(Class<?> type, MethodHandle thread) {
        /** Written by whoever is first; always the same. */
        private static volatile @Nullable Continuations known;

        static @Nullable Continuations find(Class<?> type) {
            try {
                for (Field field : type.getDeclaredFields()) {
                    if (field.getType().getName().equals("java.lang.VirtualThread")) {
                        field.setAccessible(true);
                        MethodHandle getter = MethodHandles.lookup().unreflectGetter(field);
                        return new Continuations(type, getter.asType(MethodType.methodType(Thread.class, Runnable.class)));
                    }
                }
            } catch (IllegalAccessException | RuntimeException e) {
                // another JDK has it otherwise
            }
            return null;
        }
    }

    /** Apart from {@link Hook}, which another thread uses before this is initialized. */
    private static final class Found {
        static final Hook HOOK = Hook.find();
        /** A constant to the compiler here. */
        static final @Nullable MethodHandle CARRIER = HOOK.carrier;
    }

    /** What was found of the JDK's own. */
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

        /** Runs a virtual thread that parks for a while, here; on a platform thread, as a virtual one cannot carry. */
        private static boolean works(Hook found) {
            var seen = new AtomicInteger();
            Thread platform = Thread.ofPlatform().daemon().name("sennit-probe").unstarted(() -> probe(found, Objects.requireNonNull(found.carrier), seen));
            platform.start();
            Uninterruptibles.await(platform::join);
            return seen.get() == 3;
        }

        private static void probe(Hook found, MethodHandle carrier, AtomicInteger seen) {
            try {
                // Were this class initialized by a virtual thread of a scheduler that ends, its threads would be of that
                // scheduler, and reads of sockets in all other virtual threads would never end.
                Class.forName("sun.nio.ch.Poller");
            } catch (ClassNotFoundException | LinkageError e) {
                // then there is nothing that could go wrong with it
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
         * Has a virtual thread interrupted in its sleep once. A sleep that was compiled before the first such interrupt knows
         * nothing of the exception's class, and each thread that sleeps in it goes on in the interpreter when it is cancelled.
         */
        private static void resolveInterruptedException() {
            Thread.currentThread().interrupt();
            try {
                Thread.sleep(1);
            } catch (InterruptedException e) {
                // that was it
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
