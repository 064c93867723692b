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
 * The agent that lets a {@link ScheduleExplorer} interrupt threads between accesses to memory:
 * {@code -javaagent:sennit.jar=com.acme.} puts a memory point into each class whose name begins so, before every access to a
 * field or an element of an array, before entering and leaving a monitor, and before every call into
 * {@code java.util.concurrent}. Several beginnings are separated by commas.
 *
 * <p>A memory point does nothing in a thread that is not under exploration. Classes of the JDK and of the library get none.
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
     * @param beginnings of the names of the classes, separated by commas
     * @param instrumentation where classes pass by
     */
    public static void premain(@Nullable String beginnings, Instrumentation instrumentation) {
        if (beginnings == null || beginnings.isBlank()) {
            throw new IllegalArgumentException("-javaagent:sennit.jar=PREFIX says which classes get memory points: com.acme.");
        }
        List<String> prefixes = List.of(beginnings.replace('.', '/').split(","));
        instrumentation.addTransformer(new ClassFileTransformer() {
            @Override
            public byte @Nullable [] transform(
                    Module module,
                    @Nullable ClassLoader loader,
                    @Nullable String name,
                    @Nullable Class<?> redefined,
                    @Nullable ProtectionDomain domain,
                    byte[] bytes) {
                if (loader == null || name == null || prefixes.stream().noneMatch(name::startsWith)) {
                    return null;
                }
                try {
                    byte[] pointed = into(bytes, loader);
                    instrumentation.redefineModule(
                            module, Set.of(MemoryPoints.class.getModule()), Map.of(), Map.of(), Set.of(), Map.of());
                    return pointed;
                } catch (RuntimeException | LinkageError e) {
                    LOGGER.log(System.Logger.Level.WARNING, "no memory points in " + name.replace('/', '.'), e);
                    return null;
                }
            }
        });
        set = true;
    }

    /** Whether the agent is there. */
    static boolean areSet() {
        return set;
    }

    /**
     * Puts memory points into a class.
     *
     * @param bytes the class file
     * @param loader finds the classes that it names
     * @return the class file with memory points
     */
    static byte[] into(byte[] bytes, ClassLoader loader) {
        ClassFile classFile = ClassFile.of(ClassFile.ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(loader).orElse(ClassHierarchyResolver.defaultResolver())));
        ClassModel model = classFile.parse(bytes);
        return classFile.transformClass(model, ClassTransform.transformingMethodBodies((code, element) -> {
            if (waits(element)) {
                code.invokestatic(HERE, "spinning", NOTHING);
            } else if (touchesMemory(element)) {
                code.invokestatic(HERE, "point", NOTHING);
            }
            code.with(element);
        }));
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

    /** A memory point: called by classes that have them. */
    public static void point() {
        ScheduleRun run = ScheduleRun.current();
        if (run != null) {
            run.point();
        }
    }

    /** The calling thread is about to look once more for what another has to do: called by classes with memory points. */
    public static void spinning() {
        if (ScheduleRun.current() != null) {
            Thread.yield();
        }
    }
}
