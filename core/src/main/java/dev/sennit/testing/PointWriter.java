package dev.sennit.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.AccessFlags;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Label;
import java.lang.classfile.MethodBuilder;
import java.lang.classfile.MethodElement;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.Opcode;
import java.lang.classfile.TypeKind;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MethodHandleEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.instruction.ArrayLoadInstruction;
import java.lang.classfile.instruction.ArrayStoreInstruction;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.MonitorInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.AccessFlag;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Puts memory points into the code of one method: calls of {@link MemoryPoints} before each access to memory, with a
 * copy of what the access is to, as far as that lies near the top of the stack.
 */
final class PointWriter implements CodeTransform {
    private static final ClassDesc HERE = ClassDesc.of(MemoryPoints.class.getName());
    private static final MethodTypeDesc NOTHING = MethodTypeDesc.of(ConstantDescs.CD_void);
    private static final MethodTypeDesc SITE = MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int);
    private static final MethodTypeDesc OBJECT_AND_SITE =
            MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_Object, ConstantDescs.CD_int);
    private static final MethodTypeDesc FIELD = MethodTypeDesc.of(
            ConstantDescs.CD_void, ConstantDescs.CD_Object, ConstantDescs.CD_int, ConstantDescs.CD_int);
    private static final MethodTypeDesc TWO_AND_SITE = MethodTypeDesc.of(
            ConstantDescs.CD_void, ConstantDescs.CD_Object, ConstantDescs.CD_Object, ConstantDescs.CD_int);
    private static final MethodTypeDesc TO_INT = MethodTypeDesc.of(ConstantDescs.CD_int);
    private static final MethodTypeDesc OF_INT = MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int);
    private static final MethodTypeDesc OF_OBJECT = MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_Object);
    private static final MethodTypeDesc OF_STRING = MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_String);
    private static final String INITIALIZER = "<init>";
    private static final String CLASS_INITIALIZER = "<clinit>";
    private static final String CONCURRENT = "java/util/concurrent/";
    /** What is done to an object at the site of a call. */
    static final String CALLS = "calls";

    private static final String VAR_HANDLE = "java/lang/invoke/VarHandle";

    /** Methods of threads that others may wait for, or see. */
    private static final Set<String> OF_THREADS =
            Set.of("interrupt", "isInterrupted", "interrupted", "isAlive", "getState", "join");

    /** The ends of the names of collections in {@code java.util}. */
    private static final List<String> COLLECTIONS =
            List.of("Map", "List", "Set", "Queue", "Deque", "Collection", "Vector", "Stack", "Hashtable", "BitSet");

    /** The numbers of fields, by their names. They grow with the classes that are changed. */
    private static final Map<String, Integer> FIELDS = new ConcurrentHashMap<>();

    private static final AtomicInteger LAST_FIELD = new AtomicInteger();

    // where the writer is, for the table of sites
    private final String type;
    private final String method;
    private final String file;
    private int line;

    private final Set<Label> passed = new HashSet<>();
    /** Whether {@code this} may be handed to a method: not in a constructor that has not called another yet. */
    private boolean hasThis;
    /** How many objects are made and not initialized, in such a constructor. */
    private int raw;

    /** Pushes the monitor of a synchronized method; null if it is none. */
    private final @Nullable Consumer<CodeBuilder> monitor;

    private @Nullable Label locked;

    /** Tells which classes have memory points, and what they declare. */
    private final Pointed pointed;
    /** Whether code without memory points may call the method. */
    private final boolean isCalledBack;

    private final boolean isConstructor;
    private final boolean isClassInitializer;
    /** The local variable that holds how the method was called. */
    private int how;

    private @Nullable Label entered;

    private PointWriter(ClassModel owner, MethodModel method, Pointed pointed, Set<String> referred) {
        this.pointed = pointed;
        type = owner.thisClass().asInternalName().replace('/', '.');
        file = owner.findAttribute(Attributes.sourceFile()).map(attribute -> attribute.sourceFile().stringValue())
                .orElse(type);
        this.method = method.methodName().stringValue();
        isConstructor = this.method.equals(INITIALIZER);
        isClassInitializer = this.method.equals(CLASS_INITIALIZER);
        isCalledBack = !isClassInitializer
                && (!method.flags().has(AccessFlag.PRIVATE) || referred.contains(this.method));
        hasThis = !isConstructor;
        if (!method.flags().has(AccessFlag.SYNCHRONIZED)) {
            monitor = null;
        } else if (method.flags().has(AccessFlag.STATIC)) {
            monitor = code -> code.ldc(owner.thisClass());
        } else {
            monitor = code -> code.aload(0);
        }
        if (monitor != null) {
            line = firstLine(method);
        }
    }

    private static int firstLine(MethodModel method) {
        return method.code().stream().flatMap(CodeModel::elementStream)
                .filter(LineNumber.class::isInstance).mapToInt(element -> ((LineNumber) element).line())
                .findFirst().orElse(0);
    }

    static ClassTransform intoClass(ClassModel owner, @Nullable ClassLoader loader, Predicate<String> others) {
        var pointed = new Pointed(owner, loader, others);
        Set<String> referred = referred(owner);
        return (builder, element) -> {
            if (element instanceof MethodModel method && method.code().isPresent()) {
                var writer = new PointWriter(owner, method, pointed, referred);
                builder.transformMethod(
                        method, MethodTransform.transformingCode(writer).andThen(PointWriter::notSynchronized));
            } else {
                builder.with(element);
            }
        };
    }

    /** Returns the names of the methods that are passed on as lambdas and references. */
    private static Set<String> referred(ClassModel owner) {
        Set<String> names = new HashSet<>();
        for (PoolEntry entry : owner.constantPool()) {
            if (entry instanceof MethodHandleEntry handle) {
                names.add(handle.reference().name().stringValue());
            }
        }
        return names;
    }

    private static void notSynchronized(MethodBuilder builder, MethodElement element) {
        if (element instanceof AccessFlags flags) {
            builder.withFlags(flags.flagsMask() & ~ClassFile.ACC_SYNCHRONIZED);
        } else {
            builder.with(element);
        }
    }

    /** A synchronized method enters its monitor in its code, so that there is a point before. */
    @Override
    public void atStart(CodeBuilder code) {
        if (isCalledBack) {
            how = code.allocateLocal(TypeKind.INT);
            code.invokestatic(HERE, "enters", TO_INT).istore(how);
            entered = code.newBoundLabel();
        }
        if (monitor != null) {
            if (line > 0) {
                code.lineNumber(line);
            }
            monitor.accept(code);
            at(code, "monitor", OBJECT_AND_SITE, "enters", "monitor");
            monitor.accept(code);
            code.monitorenter();
            locked = code.newBoundLabel();
        }
    }

    @Override
    public void atEnd(CodeBuilder code) {
        if (monitor != null && locked != null) {
            Label end = code.newBoundLabel();
            Label handler = code.newBoundLabel();
            leaveMonitor(code, monitor);
            code.athrow();
            code.exceptionCatchAll(locked, end, handler);
        }
        if (entered != null && !isConstructor) {
            Label end = code.newBoundLabel();
            Label handler = code.newBoundLabel();
            exits(code);
            code.athrow();
            code.exceptionCatchAll(entered, end, handler);
        }
    }

    private static void leaveMonitor(CodeBuilder code, Consumer<CodeBuilder> monitor) {
        monitor.accept(code);
        code.dup().invokestatic(HERE, "releases", OF_OBJECT).monitorexit();
    }

    private void exits(CodeBuilder code) {
        code.iload(how).invokestatic(HERE, "exits", OF_INT);
    }

    private void returns(CodeBuilder code) {
        if (monitor != null) {
            leaveMonitor(code, monitor);
        }
        if (entered != null) {
            exits(code);
        } else if (isClassInitializer) {
            code.invokestatic(HERE, "initialized", NOTHING);
        }
    }

    @Override
    public void accept(CodeBuilder code, CodeElement element) {
        switch (element) {
            case FieldInstruction access -> field(code, access);
            case ArrayLoadInstruction _ -> {
                code.dup2();
                at(code, "readElement", FIELD, "reads", "element");
            }
            case ArrayStoreInstruction store -> element(code, store.typeKind());
            case MonitorInstruction change -> {
                code.dup();
                at(code, "monitor", OBJECT_AND_SITE, change.opcode() == Opcode.MONITORENTER ? "enters" : "leaves",
                        "monitor");
            }
            case LineNumber number -> line = number.line();
            case LabelTarget target -> passed.add(target.label());
            case BranchInstruction branch when passed.contains(branch.target()) ->
                code.invokestatic(HERE, "turn", NOTHING); // back to the begin of a loop
            case ReturnInstruction _ -> returns(code);
            case InvokeDynamicInstruction reference -> refers(reference);
            case NewObjectInstruction _ -> raw++;
            case InvokeInstruction call -> {
                call(code, call);
                if (SpuriousWaits.replace(call, code) || PinnedValues.replace(call, code)) {
                    return;
                }
            }
            default -> {}
        }
        code.with(element);
    }

    private void field(CodeBuilder code, FieldInstruction access) {
        Opcode opcode = access.opcode();
        boolean writes = opcode == Opcode.PUTFIELD || opcode == Opcode.PUTSTATIC;
        boolean isWide = access.typeSymbol().equals(ConstantDescs.CD_long)
                || access.typeSymbol().equals(ConstantDescs.CD_double);
        String name = access.name().stringValue();
        String shown = name;
        switch (opcode) {
            case GETFIELD -> code.dup();
            case PUTFIELD -> {
                if (!hasThis) {
                    at(code, "point", SITE, "writes", name);
                    return;
                }
                if (isWide) {
                    code.dup2_x1().pop2().dup(); // the value, the object, the object
                } else {
                    code.dup2().pop();
                }
            }
            default -> {
                code.aconst_null();
                String owner = access.owner().asInternalName();
                shown = owner.substring(owner.lastIndexOf('/') + 1) + '.' + name;
            }
        }
        // without the class: any that inherits a field may name it
        code.loadConstant(FIELDS.computeIfAbsent(name, _ -> LAST_FIELD.incrementAndGet()));
        int site = at(code, writes ? "write" : "read", FIELD, writes ? "writes" : "reads", shown);
        boolean isStatic = opcode == Opcode.GETSTATIC || opcode == Opcode.PUTSTATIC;
        DataRaces.isBefore(site, access.owner().asInternalName(), access.name().stringValue(), isStatic,
                pointed.loader);
        if (opcode == Opcode.PUTFIELD && isWide) {
            code.dup_x2().pop();
        }
    }

    private void element(CodeBuilder code, TypeKind kind) {
        boolean isWide = kind.slotSize() == 2;
        if (isWide) {
            code.dup2_x2().pop2();
        } else {
            code.dup_x2().pop();
        }
        at(code.dup2(), "writeElement", FIELD, "writes", "element");
        if (isWide) {
            code.dup2_x2().pop2();
        } else {
            code.dup2_x1().pop2();
        }
    }

    private void call(CodeBuilder code, InvokeInstruction call) {
        String owner = call.owner().asInternalName();
        if (!pointed.has(owner, call.name().stringValue(), call.type().stringValue())) {
            owner = pointed.outside(owner); // from which the class inherits the method
        }
        boolean isStatic = call.opcode() == Opcode.INVOKESTATIC;
        if (call.name().equalsString(INITIALIZER)) {
            if (raw > 0) {
                raw--;
            } else {
                hasThis = true;
            }
            if (owner.startsWith(CONCURRENT)) {
                at(code, "point", SITE, "makes", simple(owner));
            } else {
                callOut(code, call);
            }
        } else if (owner.equals("java/lang/Thread") && call.name().equalsString("onSpinWait")) {
            code.invokestatic(HERE, "spinning", NOTHING);
        } else if (isShared(owner, call.name().stringValue())) {
            if (isStatic || owner.equals("java/lang/Thread") && call.name().equalsString("interrupt")) {
                at(code, "point", SITE, CALLS, called(call)); // an interrupt may end any wait
            } else {
                receiver(code, call, owner);
            }
            if (!isConcurrent(owner)) {
                callOut(code, call);
            } else if (!isStatic && !isNarrow(call.typeSymbol())) {
                code.invokestatic(HERE, "callsOut", NOTHING); // an argument may be a function, or synchronize
            }
        } else {
            callOut(code, call);
        }
    }

    /** Returns whether a method may touch what threads share, and belongs to a class without memory points. */
    private static boolean isShared(String owner, String name) {
        return isConcurrent(owner)
                || owner.equals("java/lang/Thread") && OF_THREADS.contains(name)
                || owner.startsWith("java/util/") && COLLECTIONS.stream().anyMatch(owner::endsWith);
    }

    private static boolean isConcurrent(String owner) {
        return owner.startsWith(CONCURRENT) || owner.equals(VAR_HANDLE);
    }

    /** Returns whether a method has one argument at most, which takes one slot. */
    private static boolean isNarrow(MethodTypeDesc type) {
        return type.parameterCount() == 0
                || type.parameterCount() == 1 && TypeKind.from(type.parameterType(0)).slotSize() == 1;
    }

    /** A point before the call of a method of an object. */
    private void receiver(CodeBuilder code, InvokeInstruction call, String owner) {
        boolean isHandle = owner.equals(VAR_HANDLE);
        MethodTypeDesc type = call.typeSymbol();
        boolean hasObject = type.parameterCount() > 0 && !type.parameterType(0).isPrimitive();
        belowArguments(code, call, (block, locals) -> {
            if (!isHandle && !owner.endsWith("FieldUpdater")) {
                String hook = asksEnd(owner, call) ? "askEnd" : isLook(owner, call) ? "look" : "call";
                at(block, hook, OBJECT_AND_SITE, CALLS, called(call));
                return;
            }
            if (hasObject) {
                block.aload(locals[0]);
            } else {
                block.aconst_null();
            }
            at(block, isHandle ? "handle" : "updater", TWO_AND_SITE, CALLS, called(call));
        });
    }

    /**
     * Writes code that uses up a copy of the receiver of a call, which lies below the arguments: these are in the local
     * variables that the code is told of.
     */
    private static void belowArguments(
            CodeBuilder code, InvokeInstruction call, BiConsumer<CodeBuilder, int[]> writer) {
        List<TypeKind> kinds = call.typeSymbol().parameterList().stream().map(TypeKind::from).toList();
        code.block(block -> {
            var locals = new int[kinds.size()];
            for (int i = locals.length - 1; i >= 0; i--) {
                locals[i] = block.allocateLocal(kinds.get(i));
                block.storeLocal(kinds.get(i), locals[i]);
            }
            block.dup();
            writer.accept(block, locals);
            for (int i = 0; i < locals.length; i++) {
                block.loadLocal(kinds.get(i), locals[i]);
            }
        });
    }

    /** Returns whether a method only reads. */
    private static boolean isLook(String owner, InvokeInstruction call) {
        String name = call.name().stringValue();
        return owner.startsWith(CONCURRENT + "atomic/")
                && name.startsWith("get") && !name.startsWith("getAnd");
    }

    /** Returns whether a method depends on whether a thread has ended; a join without a limit waits for that. */
    private static boolean asksEnd(String owner, InvokeInstruction call) {
        return owner.equals("java/lang/Thread") && switch (call.name().stringValue()) {
            case "isAlive", "getState" -> true;
            case "join" -> call.typeSymbol().parameterCount() > 0;
            default -> false;
        };
    }

    private static String called(InvokeInstruction call) {
        return simple(call.owner().asInternalName()) + '.' + call.name().stringValue();
    }

    private static String simple(String owner) {
        return owner.substring(Math.max(owner.lastIndexOf('/'), owner.lastIndexOf('$')) + 1);
    }

    /** Tells the data races what a call orders, if it may order something. */
    private void callOut(CodeBuilder code, InvokeInstruction call) {
        String owner = call.owner().asInternalName();
        String name = call.name().stringValue();
        if (pointed.has(owner, name, call.type().stringValue())) {
            if (call.opcode() == Opcode.INVOKEINTERFACE) {
                code.ldc(owner).invokestatic(HERE, "calls", OF_STRING);
            }
            return;
        }
        switch (DataRaces.call(
                pointed.outside(owner), name, call.type().stringValue(), call.opcode() == Opcode.INVOKESTATIC)) {
            case PLAIN -> {}
            case START -> code.invokestatic(HERE, "starts", NOTHING);
            case QUESTION -> code.invokestatic(HERE, "asks", NOTHING);
            case SLEEP -> code.invokestatic(HERE, "sleeps", NOTHING);
            case BY_RECEIVER -> byReceiver(code, call);
            case ANYTHING -> code.invokestatic(HERE, "callsOut", NOTHING);
        }
    }

    private static void byReceiver(CodeBuilder code, InvokeInstruction call) {
        if (call.name().equalsString(INITIALIZER)) { // there is no object yet
            code.invokestatic(HERE, "callsOut", NOTHING);
        } else {
            belowArguments(code, call, (block, _) -> block.invokestatic(HERE, "callsOut", OF_OBJECT));
        }
    }

    /** Notes the interfaces for which references to methods without memory points stand. */
    private void refers(InvokeDynamicInstruction reference) {
        for (ConstantDesc argument : reference.bootstrapArgs()) {
            if (argument instanceof DirectMethodHandleDesc method) {
                String owner = Pointed.internalName(method.owner());
                if (!pointed.has(owner, method.methodName(), method.lookupDescriptor())) {
                    DataRaces.isReferred(Pointed.internalName(reference.typeSymbol().returnType()));
                }
            }
        }
    }

    /** Calls a method with the number of this place in code as its last argument, and returns the number. */
    private int at(CodeBuilder code, String name, MethodTypeDesc descriptor, String verb, String what) {
        int site = Sites.add(new Sites.Site(type, method, file, line, verb, what));
        code.loadConstant(site).invokestatic(HERE, name, descriptor);
        return site;
    }

    /** The methods that have memory points, as far as one class has to know. */
    private static final class Pointed {
        private static final String OBJECT = "java/lang/Object";

        final @Nullable ClassLoader loader;
        private final Predicate<String> classes;
        /** Class files that were looked at. */
        private final Map<String, Optional<ClassModel>> models = new HashMap<>();

        Pointed(ClassModel own, @Nullable ClassLoader loader, Predicate<String> classes) {
            this.loader = loader;
            this.classes = classes;
            models.put(own.thisClass().asInternalName(), Optional.of(own));
        }

        static String internalName(ClassDesc type) {
            String descriptor = type.descriptorString();
            return type.isClassOrInterface() ? descriptor.substring(1, descriptor.length() - 1) : descriptor;
        }

        /** Returns whether a method has memory points: a class with them may inherit it from one without. */
        boolean has(String owner, String name, String type) {
            if (!classes.test(owner)) {
                return false;
            }
            ClassModel model = model(owner).orElse(null);
            if (model == null) {
                return true; // made at run time
            }
            for (MethodModel method : model.methods()) {
                if (method.methodName().equalsString(name) && method.methodType().equalsString(type)) {
                    return true;
                }
            }
            String above = model.superclass().map(ClassEntry::asInternalName).orElse(OBJECT);
            if (has(above, name, type)) {
                return true;
            }
            for (ClassEntry one : model.interfaces()) {
                if (has(one.asInternalName(), name, type)) {
                    return true;
                }
            }
            return false;
        }

        /**
         * Returns the class without memory points that a class extends, or else the interface of
         * {@code java.util.concurrent}; the class itself if there is neither.
         */
        String outside(String owner) {
            String above = owner;
            String concurrent = owner;
            while (classes.test(above)) {
                Optional<ClassModel> model = model(above);
                for (ClassEntry one : model.map(ClassModel::interfaces).orElse(List.of())) {
                    String inherited = outside(one.asInternalName());
                    concurrent = isConcurrent(inherited) ? inherited : concurrent;
                }
                above = model.flatMap(ClassModel::superclass).map(ClassEntry::asInternalName).orElse(OBJECT);
            }
            return above.equals(OBJECT) ? concurrent : above;
        }

        private Optional<ClassModel> model(String owner) {
            return models.computeIfAbsent(owner, _ -> {
                if (loader == null) {
                    return Optional.empty();
                }
                try (InputStream in = loader.getResourceAsStream(owner + ".class")) {
                    return in == null ? Optional.empty() : Optional.of(ClassFile.of().parse(in.readAllBytes()));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
