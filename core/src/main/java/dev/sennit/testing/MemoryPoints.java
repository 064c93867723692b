package dev.sennit.testing;

import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeElement;
import java.lang.classfile.instruction.ArrayLoadInstruction;
import java.lang.classfile.instruction.ArrayStoreInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.MonitorInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.security.ProtectionDomain;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The agent that lets a {@link ScheduleExplorer} switch threads between accesses to memory, and that makes their waits
 * take no time.
 *
 * <p>{@code -javaagent:sennit.jar=com.acme.} puts memory points into each class whose name has this prefix: before
 * every access to a field or an element of an array, before entering and leaving a monitor, and before every call into
 * {@code java.util.concurrent}. Several prefixes are separated by commas. A memory point does nothing in a thread that
 * is not under exploration. Classes of the JDK and of the library get none.
 *
 * <p>With and without prefixes, threads under exploration have the time of their schedule instead of the machine's: in
 * waits of the JDK, and in all other classes that ask {@code System} or {@code java.time} for the time.
 * {@code CompletableFuture} runs on threads of the schedule what it would run on the common pool. Other threads are not
 * affected.
 */
public final class MemoryPoints {
    private static final System.Logger LOGGER = System.getLogger(MemoryPoints.class.getName());
    private static final ClassDesc HERE = ClassDesc.of(MemoryPoints.class.getName());
    private static final MethodTypeDesc NOTHING = MethodTypeDesc.of(ConstantDescs.CD_void);

    private static volatile boolean set;

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
                        boolean points = loader != null && prefixes.stream().anyMatch(name::startsWith);
                        boolean time = VirtualTime.wants(loader, name);
                        if (!points && !time) {
                            return null;
                        }
                        try {
                            byte[] changed = changed(bytes, loader, points, time);
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

    /** Returns whether any class may have memory points. */
    static boolean areSet() {
        return set;
    }

    /**
     * Changes a class.
     *
     * @param bytes the class file
     * @param loader the class's loader, which finds the classes that it refers to; null for the JDK's
     * @param points whether to add memory points
     * @param time whether to redirect its clocks to the time of the schedule
     * @return the changed class file; null if nothing is to be changed
     */
    static byte @Nullable [] changed(byte[] bytes, @Nullable ClassLoader loader, boolean points, boolean time) {
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
        return points ? classFile.transformClass(model, pointsInto()) : changed;
    }

    private static ClassTransform pointsInto() {
        return ClassTransform.transformingMethodBodies((code, element) -> {
            if (waits(element)) {
                code.invokestatic(HERE, "spinning", NOTHING);
            } else if (touchesMemory(element)) {
                code.invokestatic(HERE, "point", NOTHING);
            }
            code.with(element);
        });
    }

    private static boolean touchesMemory(CodeElement element) {
        return switch (element) {
            case FieldInstruction _, ArrayLoadInstruction _, ArrayStoreInstruction _, MonitorInstruction _ -> true;
            case InvokeInstruction call -> {
                String owner = call.owner().asInternalName();
                yield owner.startsWith("java/util/concurrent/") || owner.equals("java/lang/invoke/VarHandle");
            }
            default -> false;
        };
    }

    private static boolean waits(CodeElement element) {
        return element instanceof InvokeInstruction call
                && call.owner().asInternalName().equals("java/lang/Thread")
                && call.name().equalsString("onSpinWait");
    }

    /** A memory point. Called by classes that have them. */
    public static void point() {
        ScheduleRun run = ScheduleDriver.currentRun();
        if (run != null) {
            run.point();
        }
    }

    /**
     * Called by classes with memory points before {@code Thread.onSpinWait()}: the calling thread waits for another in
     * a busy loop.
     */
    public static void spinning() {
        if (ScheduleDriver.currentRun() != null) {
            Thread.yield();
        }
    }
}
