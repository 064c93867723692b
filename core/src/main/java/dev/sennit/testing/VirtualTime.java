package dev.sennit.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.AccessFlags;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.Opcode;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.DynamicCallSiteDesc;
import java.lang.constant.MethodHandleDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.instrument.Instrumentation;
import java.lang.instrument.UnmodifiableClassException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The part of the agent that gives threads under exploration the time of their schedule: code that calls
 * {@code System.nanoTime()} or {@code currentTimeMillis()}, in {@code java.util.concurrent}, {@code Thread},
 * {@code ReferenceQueue}, {@code java.time} or outside of the JDK, also asks {@link ScheduleHooks}.
 *
 * <p>It also has threads of the schedule run what the common pool would: the tasks of parallel streams and of other
 * submissions from threads under exploration, the delays of {@code CompletableFuture}, and its {@code Async} methods
 * without an executor. It reports threads that wait until that pool is quiescent, as the pool knows nothing of these
 * tasks. And it keeps these threads from ending the JVM.
 *
 * <p>Source: {@code java.util.concurrent.CompletableFuture}, {@code ForkJoinPool} and {@code java.time.Clock} of
 * JDK 25.
 */
final class VirtualTime {
    private static final ClassDesc HOOKS = ClassDesc.of("java.lang.SennitScheduleHooks");
    private static final ClassDesc SYSTEM = ClassDesc.of("java.lang.System");
    private static final ClassDesc POOL = ClassDesc.of("java.util.concurrent.ForkJoinPool");
    private static final ClassDesc DELAYED = ClassDesc.of("java.util.concurrent.DelayScheduler$ScheduledForkJoinTask");
    private static final MethodTypeDesc LONG_OF_LONG = MethodTypeDesc.of(ConstantDescs.CD_long, ConstantDescs.CD_long);
    private static final ClassDesc TASK = ClassDesc.of("java.util.concurrent.ForkJoinTask");
    private static final MethodTypeDesc FORKS = MethodTypeDesc.of(ConstantDescs.CD_boolean, POOL, TASK);
    private static final MethodTypeDesc POOL_OF_POOL = MethodTypeDesc.of(POOL, POOL);

    /** The pool of {@code CompletableFuture} for threads under exploration. */
    private static final class AsyncThreads extends ForkJoinPool {
        static final AsyncThreads ONE = new AsyncThreads();

        AsyncThreads() {
            super(1, defaultForkJoinWorkerThreadFactory, null, true, 0, 1, 0, null, 1, TimeUnit.SECONDS);
        }

        @Override
        public void execute(Runnable task) {
            Thread.startVirtualThread(task); // of the caller's schedule
        }
    }

    private static volatile boolean set;
    /** {@code ForkJoinTask.doExec}; set before the hooks are. */
    private static volatile @Nullable MethodHandle execution;

    private VirtualTime() {}

    /** Returns whether waits take no time. */
    static boolean isSet() {
        return set;
    }

    /**
     * Notes that a part of the JDK could not be changed and reads the real clock, so that waits must last their full
     * time.
     */
    static void isIncomplete() {
        set = false;
    }

    /** Adds the hooks to the JDK, and changes the classes that are loaded already. */
    static void install(Instrumentation instrumentation) {
        instrumentation.redefineModule(
                Object.class.getModule(),
                Set.of(),
                Map.of(),
                Map.of(
                        "java.lang", Set.of(VirtualTime.class.getModule()),
                        "java.util.concurrent", Set.of(VirtualTime.class.getModule()),
                        "java.util.concurrent.locks", Set.of(VirtualTime.class.getModule())),
                Set.of(),
                Map.of());
        try {
            Class<?> hooks = MethodHandles.privateLookupIn(Thread.class, MethodHandles.lookup()).defineClass(hooks());
            LongSupplier elapsed = VirtualTime::elapsed;
            hooks.getField("elapsed").set(null, elapsed);
            Predicate<ScheduledFuture<?>> delays = VirtualTime::delays;
            hooks.getField("delays").set(null, delays);
            UnaryOperator<ForkJoinPool> asyncPool = VirtualTime::asyncPool;
            hooks.getField("asyncPool").set(null, asyncPool);
            Consumer<ForkJoinPool> submits = VirtualTime::submits;
            hooks.getField("submits").set(null, submits);
            execution = MethodHandles.privateLookupIn(ForkJoinTask.class, MethodHandles.lookup())
                    .findVirtual(ForkJoinTask.class, "doExec", MethodType.methodType(void.class));
            Predicate<ForkJoinTask<?>> forks = VirtualTime::forks;
            hooks.getField("forks").set(null, forks);
            IntConsumer exits = VirtualTime::exits;
            hooks.getField("exits").set(null, exits);

            List<Class<?>> loaded = new ArrayList<>();
            for (Class<?> one : instrumentation.getAllLoadedClasses()) {
                if (wants(one.getClassLoader(), one.getName().replace('.', '/'))
                        && instrumentation.isModifiableClass(one)) {
                    loaded.add(one);
                }
            }
            set = true;
            instrumentation.retransformClasses(loaded.toArray(Class<?>[]::new));
            if (!set) {
                throw new IllegalStateException(
                        "Java " + Runtime.version()
                                + " does not let its clocks be replaced; the warnings above say where");
            }
        } catch (ReflectiveOperationException | UnmodifiableClassException e) {
            throw new IllegalStateException("Java " + Runtime.version() + " does not let its clocks be replaced", e);
        }
    }

    // ---- what the hooks call, in any thread ----

    private static long elapsed() {
        ScheduleRun run = ScheduleDriver.currentRun();
        return run == null ? ScheduleHooks.NOT_EXPLORED : run.look();
    }

    private static boolean delays(ScheduledFuture<?> task) {
        ScheduleRun run = ScheduleDriver.currentRun();
        if (run == null) {
            return false;
        }
        run.delay(task);
        return true;
    }

    private static ForkJoinPool asyncPool(ForkJoinPool pool) {
        return ScheduleDriver.currentRun() == null ? pool : AsyncThreads.ONE;
    }

    private static void submits(ForkJoinPool pool) {
        ScheduleRun run = ScheduleDriver.currentRun();
        if (run != null) {
            run.submits(pool);
        }
    }

    private static boolean forks(ForkJoinTask<?> task) {
        ScheduleRun run = ScheduleDriver.currentRun();
        MethodHandle executes = execution;
        if (run == null || executes == null) {
            return false;
        }
        run.fork(() -> {
            try {
                executes.invokeExact(task); // not invoke(): some tasks are never done themselves
            } catch (Throwable e) {
                throw new AssertionError("a task keeps what it throws", e);
            }
        });
        return true;
    }

    private static void exits(int status) {
        ScheduleRun run = ScheduleDriver.currentRun();
        if (run != null) {
            run.exits(status);
        }
    }

    // ---- classes ----

    /** Returns the copy of {@link ScheduleHooks} for the JDK. */
    private static byte[] hooks() {
        ClassFile classFile = ClassFile.of();
        try (InputStream in = VirtualTime.class.getResourceAsStream(ScheduleHooks.class.getSimpleName() + ".class")) {
            if (in == null) {
                throw new IllegalStateException("the class file of " + ScheduleHooks.class.getName() + " is not there");
            }
            ClassModel model = classFile.parse(in.readAllBytes());
            String here = model.thisClass().asInternalName();
            ClassTransform renamed = ClassTransform.transformingMethodBodies((code, element) -> {
                switch (element) {
                    case FieldInstruction field when field.owner().asInternalName().equals(here) ->
                        code.fieldAccess(field.opcode(), HOOKS, field.name().stringValue(), field.typeSymbol());
                    case InvokeInstruction call when call.owner().asInternalName().equals(here) ->
                        code.invokestatic(HOOKS, call.name().stringValue(), call.typeSymbol());
                    default -> code.with(element);
                }
            });
            return classFile.transformClass(model, HOOKS, renamed.andThen((builder, element) -> {
                if (element instanceof AccessFlags flags) {
                    builder.withFlags(flags.flagsMask() | ClassFile.ACC_PUBLIC);
                } else {
                    builder.with(element);
                }
            }));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns whether a class may have to be changed. */
    static boolean wants(@Nullable ClassLoader loader, String name) {
        if (loader == null) {
            return name.startsWith("java/util/concurrent/")
                    || name.equals("java/lang/Thread")
                    || name.equals("java/lang/VirtualThread")
                    || name.equals("java/lang/Runtime")
                    || name.equals("java/lang/ref/ReferenceQueue")
                    || name.equals("java/time/Clock")
                    || name.startsWith("java/time/Clock$")
                    || name.equals("java/util/Date");
        }
        return !name.startsWith("java/")
                && !name.startsWith("javax/")
                && !name.startsWith("jdk/")
                && !name.startsWith("sun/")
                && !name.startsWith("dev/sennit/testing/Schedule");
    }

    /** Returns whether a class reads a clock, or is one of those that use the common pool. */
    static boolean changes(ClassModel model) {
        if (isPoolUser(model) || model.thisClass().asInternalName().equals("java/lang/Runtime")) {
            return true;
        }
        for (PoolEntry entry : model.constantPool()) {
            if (entry instanceof MemberRefEntry member
                    && isClock(member.owner().asInternalName(), member.name().stringValue())) {
                return true;
            }
        }
        return false;
    }

    private static boolean isPoolUser(ClassModel model) {
        String name = model.thisClass().asInternalName();
        return name.equals("java/util/concurrent/ForkJoinPool")
                || name.equals("java/util/concurrent/ForkJoinTask")
                || name.equals("java/util/concurrent/CompletableFuture")
                || name.startsWith("java/util/concurrent/CompletableFuture$");
    }

    private static boolean isClock(String owner, String name) {
        return switch (name) {
            case "nanoTime", "currentTimeMillis" -> owner.equals("java/lang/System");
            case "getNanoTimeAdjustment" -> owner.equals("jdk/internal/misc/VM");
            default -> false;
        };
    }

    /** Returns a transformation that adds the hooks to a class. */
    static ClassTransform hooksInto(ClassModel model) {
        String type = model.thisClass().asInternalName();
        return (builder, element) -> {
            if (element instanceof MethodModel method && method.code().isPresent()) {
                builder.transformMethod(method, MethodTransform.transformingCode(new CodeTransform() {
                    @Override
                    public void atStart(CodeBuilder code) {
                        hookMethod(code, type + '.' + method.methodName().stringValue());
                    }

                    @Override
                    public void accept(CodeBuilder code, CodeElement instruction) {
                        hookClocks(code, instruction);
                    }
                }));
            } else {
                builder.with(element);
            }
        };
    }

    private static void hookMethod(CodeBuilder code, String method) {
        switch (method) {
            case "java/util/concurrent/ForkJoinPool.scheduleDelayedTask" -> hookDelays(code);
            case "java/util/concurrent/ForkJoinPool.submissionQueue",
                    "java/util/concurrent/ForkJoinPool.externalSubmissionQueue",
                    "java/util/concurrent/ForkJoinPool.helpQuiescePool" ->
                code.aload(0).invokestatic(HOOKS, "submits", MethodTypeDesc.of(ConstantDescs.CD_void, POOL));
            case "java/util/concurrent/ForkJoinPool.poolSubmit" -> hookForks(code.aload(0), 2);
            case "java/util/concurrent/ForkJoinPool.externalSubmit" -> hookForks(code.aload(0), 1);
            case "java/util/concurrent/ForkJoinTask.fork" -> hookForks(code.aconst_null(), 0);
            case "java/lang/Runtime.exit", "java/lang/Runtime.halt" ->
                code.iload(1)
                        .invokestatic(HOOKS, "exits", MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int));
            default -> {}
        }
    }

    /** The pool is on the stack. */
    private static void hookForks(CodeBuilder code, int task) {
        Label otherwise = code.newLabel();
        code.aload(task)
                .invokestatic(HOOKS, "forks", FORKS)
                .ifeq(otherwise)
                .aload(task)
                .areturn()
                .labelBinding(otherwise);
    }

    private static void hookDelays(CodeBuilder code) {
        Label otherwise = code.newLabel();
        code.aload(1)
                .aload(1)
                .getfield(DELAYED, "nextDelay", ConstantDescs.CD_long)
                .invokestatic(
                        HOOKS,
                        "delays",
                        MethodTypeDesc.of(
                                ConstantDescs.CD_boolean,
                                ClassDesc.of("java.util.concurrent.ScheduledFuture"),
                                ConstantDescs.CD_long))
                .ifeq(otherwise)
                .aload(1)
                .areturn()
                .labelBinding(otherwise);
    }

    private static void hookClocks(CodeBuilder code, CodeElement element) {
        switch (element) {
            case InvokeInstruction call when call.opcode() == Opcode.INVOKESTATIC
                    && isClock(call.owner().asInternalName(), call.name().stringValue()) -> {
                if (call.name().equalsString("getNanoTimeAdjustment")) {
                    code.dup2().with(call);
                    code.invokestatic(
                            HOOKS,
                            "nanoTimeAdjustment",
                            MethodTypeDesc.of(ConstantDescs.CD_long, ConstantDescs.CD_long, ConstantDescs.CD_long));
                } else {
                    code.with(call);
                    code.invokestatic(HOOKS, call.name().stringValue(), LONG_OF_LONG);
                }
            }
            case FieldInstruction field when field.opcode() == Opcode.GETSTATIC
                    && field.owner().asInternalName().equals("java/util/concurrent/CompletableFuture")
                    && field.name().equalsString("ASYNC_POOL") -> {
                code.with(field);
                code.invokestatic(HOOKS, "asyncPool", POOL_OF_POOL);
            }
            case InvokeDynamicInstruction reference when reference.bootstrapArgs().stream()
                    .anyMatch(VirtualTime::isClock) ->
                code.invokedynamic(withHooks(reference));
            default -> code.with(element);
        }
    }

    /** Returns whether an argument is a reference to a clock, such as {@code System::nanoTime}. */
    private static boolean isClock(ConstantDesc argument) {
        return argument instanceof DirectMethodHandleDesc method
                && method.owner().equals(SYSTEM)
                && isClock("java/lang/System", method.methodName());
    }

    private static DynamicCallSiteDesc withHooks(InvokeDynamicInstruction reference) {
        ConstantDesc[] arguments = reference.bootstrapArgs().stream()
                .map(argument -> isClock(argument)
                        ? MethodHandleDesc.ofMethod(
                                DirectMethodHandleDesc.Kind.STATIC,
                                HOOKS,
                                ((DirectMethodHandleDesc) argument).methodName(),
                                ((DirectMethodHandleDesc) argument).invocationType())
                        : argument)
                .toArray(ConstantDesc[]::new);
        return DynamicCallSiteDesc.of(
                reference.bootstrapMethod(), reference.name().stringValue(), reference.typeSymbol(), arguments);
    }
}
