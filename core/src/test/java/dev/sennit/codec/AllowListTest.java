package dev.sennit.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.RemoteTaskException;
import dev.sennit.Task;
import dev.sennit.TaskSerializationException;
import dev.sennit.manager.ManagerAddress;
import dev.sennit.manager.ManagerServer;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerProcess;
import dev.sennit.shared.SharedQueue;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InvalidClassException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandleInfo;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.Array;
import java.net.InetSocketAddress;
import java.net.MalformedURLException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.CodeSource;
import java.security.ProtectionDomain;
import java.security.cert.Certificate;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is allowed is checked when it is said, and what is advised is allowed. */
public class AllowListTest {

    @ParameterizedTest
    @ValueSource(strings = {"", "*", "**", ".*", ".**", "..*", "com..acme.*", "com.acme.", ".Money", "com.acme.***",
        "com.*.Money", "1com.Money", "a b"})
    void whatNamesNothingIsRefusedWhereverItIsGiven(String pattern) {
        List<ThrowingCallable> ways = List.of(
                () -> ProcessPool.builder().allow(pattern),
                () -> WorkerProcess.builder().allow(pattern),
                () -> ManagerServer.builder().allow(pattern),
                () -> ManagerAddress.remote(new InetSocketAddress(1), new byte[16], pattern),
                () -> SharedQueue.create(1, 16, pattern),
                () -> new AllowList(List.of()).and(pattern));
        for (ThrowingCallable way : ways) {
            assertThatThrownBy(way)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "allow must be a class, package.* or package.**, such as com.acme.Money, com.acme.* or "
                                    + "com.acme.**, was \""
                                    + pattern + "\"");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Money", "com.acme.Money", "com.acme.Money$1", "com.acme.*", "com.acme.**", "_a.$b",
        "größe.Maß"})
    void whatNamesSomethingIsTaken(String pattern) {
        assertThatCode(() -> ProcessPool.builder().allow(pattern)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Money", "Money$Part", "com.acme.Money", "größe.Maß"})
    void whatIsAdvisedCanBeDoneAndHelps(String name) throws Exception {
        Class<?> type = new Defining().define(name);
        Matcher advice = Pattern.compile("add it with allow\\((.*)\\)").matcher(refusal(type));
        assertThat(advice.find()).isTrue();
        new AllowList(List.of()).and(advice.group(1)).require(type);
    }

    private static String refusal(Class<?> type) {
        try {
            new AllowList(List.of()).require(type);
            throw new AssertionError(type + " is allowed");
        } catch (InvalidClassException e) {
            return e.getMessage();
        }
    }

    // ---- where classes lie ----

    private static final String FOLDER = "file:/srv/app/classes/";
    private static final String JAR = "file:/srv/lib/dto.jar";
    private static final String OTHER_JAR = "file:/srv/lib/other.jar";

    public static boolean allows(AllowList list, Class<?> type) {
        try {
            list.require(type);
            return true;
        } catch (InvalidClassException e) {
            return false;
        }
    }

    @Test
    void workersMayBringWhatLiesInAFolder() throws Exception {
        var loader = new Defining();
        Class<?> own = loader.define("app.Own", FOLDER);
        Class<?> other = loader.define("lib.Other", JAR);
        AllowList forWorkers = AllowList.forWorkers(List.of());
        assertThat(allows(forWorkers, own)).isTrue();
        assertThat(allows(forWorkers.and("none.*"), own)).isTrue();
        assertThat(allows(forWorkers, other)).isFalse();
        assertThat(allows(forWorkers, loader.define("app.Nowhere"))).isFalse();
        assertThat(allows(new AllowList(List.of()), own)).as("a stranger's").isFalse();
        assertThat(allows(new AllowList(List.of(), List.of()), own)).as("one that came over").isFalse();
    }

    @Test
    void whatWasSentMayComeBackWithItsLike() throws Exception {
        var loader = new Defining();
        Object sent = loader.define("lib.Money", JAR).getConstructor().newInstance();
        Class<?> like = loader.define("lib.Price", JAR);
        Class<?> other = loader.define("other.Thing", OTHER_JAR);
        Object empty = Array.newInstance(other, 0);
        AllowList list = AllowList.forWorkers(List.of());
        Task<Object> none = () -> 1;
        TaskCodec.encode(none, none.getClass(), "none", list);
        assertThat(allows(list, like)).isFalse();

        Object holder = List.of(Optional.of(sent));
        Task<Object> task = () -> holder;
        TaskCodec.encode(task, task.getClass(), "task", list);
        assertThat(allows(list, like)).isTrue();
        assertThat(allows(list, other)).isFalse();

        Task<Object> compact = () -> empty;
        assertThat(EncodedTask.compact(compact, list)).isNotNull();
        assertThat(allows(list, other)).isTrue();
    }

    /** The modules of the JDK have locations as well. */
    @Test
    void whatIsTheJdksIsNotAllowedByItsPlace() {
        var list = AllowList.forWorkers(List.of());
        ModuleLayer.boot().modules().stream()
                .filter(module -> module.getName().equals("java.sql") || module.getName().equals("jdk.httpserver"))
                .forEach(module -> {
                    Class<?> sent = Class.forName(module,
                            module.getName().equals("java.sql") ? "java.sql.Types" : "com.sun.net.httpserver.Headers");
                    list.allowBeside(sent);
                    assertThat(allows(list, sent)).as("%s", sent).isFalse();
                });
    }

    // ---- exceptions ----

    private static final class Hooks {
        static final Map<String, ClassDesc> ALL = Map.of(
                "readObject", ClassDesc.of("java.io.ObjectInputStream"),
                "readExternal", ClassDesc.of("java.io.ObjectInput"));
    }

    private static Throwable home(Throwable thrown, ClassLoader loader) throws Exception {
        return TaskCodec.decodeFailure(TaskCodec.encodeFailure(thrown).copy(), loader, new AllowList(List.of()));
    }

    @Test
    void anExceptionOfAnotherJarComesHomeAsItself() throws Exception {
        var loader = new Defining();
        Class<?> type = loader.defineException("lib.Refused", RuntimeException.class, null);
        Throwable thrown = ((Throwable) type.getConstructor().newInstance()).initCause(new IOException("disk"));
        Throwable copy = home(thrown, loader);
        assertThat(copy).isExactlyInstanceOf(type.asSubclass(Throwable.class)).hasCauseInstanceOf(IOException.class);
        assertThat(copy.getStackTrace()).isEqualTo(thrown.getStackTrace());
    }

    @ParameterizedTest
    @ValueSource(strings = {"readObject", "readObjectNoData", "readResolve", "readExternal", "finalize"})
    void anExceptionThatDoesSomethingWhenItIsReadDoesNot(String hook) throws Exception {
        var loader = new Defining();
        Class<?> hooked = loader.defineException("lib.Hooked", RuntimeException.class, hook);
        Class<?> below = loader.defineException("lib.Below", hooked, null);
        for (Class<?> type : List.of(hooked, below)) {
            assertThat(allows(new AllowList(List.of()), type)).as("%s", type).isFalse();
            Throwable standIn = home((Throwable) type.getConstructor().newInstance(), loader);
            assertThat(standIn).isInstanceOf(RemoteTaskException.class).hasMessageContaining(type.getName());
            assertThat(standIn.getSuppressed()[0].getMessage())
                    .matches(
                            "exception refused: class lib\\.(Hooked|Below) is not on the allow-list; add it with "
                                    + "allow\\(lib\\.\\*\\)");
        }
    }

    @Test
    void whatAnExceptionHoldsIsOnTheListOrNot() throws Exception {
        var loader = new Defining();
        Object money = loader.define("lib.Money", JAR).getConstructor().newInstance();
        var thrown =
                (Throwable) loader.defineException("lib.Holding", Exception.class, null).getConstructor().newInstance();
        thrown.getClass().getField("held").set(thrown, List.of(1));
        Throwable copy = home(thrown, loader);
        assertThat(copy).isExactlyInstanceOf(thrown.getClass());
        assertThat(copy.getClass().getField("held").get(copy)).isEqualTo(List.of(1));
        thrown.getClass().getField("held").set(thrown, money);
        Throwable standIn = home(thrown, loader);
        assertThat(standIn).isInstanceOf(RemoteTaskException.class);
        assertThat(standIn.getSuppressed()[0])
                .hasMessage("exception refused: class lib.Money is not on the allow-list; add it with allow(lib.*)");
    }

    @Test
    void anExceptionThatIsNotHereSaysSo() throws Exception {
        var thrown = (Throwable) new Defining().defineException("lib.Elsewhere", Exception.class, null).getConstructor()
                .newInstance();
        Throwable standIn = home(thrown, getClass().getClassLoader());
        assertThat(standIn).isInstanceOf(RemoteTaskException.class);
        assertThat(standIn.getSuppressed()[0])
                .hasMessage("exception refused: class lib.Elsewhere is not on the class path of this JVM; the sender"
                        + " has it: add it here as well");
    }

    // ---- lambdas ----

    private static int compared;

    @SuppressWarnings("UnusedMethod") // by the lambda of a hostile message
    public static int compare(String one, String other) {
        compared++;
        return one.compareTo(other);
    }

    /** A stream with a comparator that is made from a description of it, which a class of this library reads. */
    private static byte[] withLambdaOfOurs() throws Exception {
        var description = new SerializedLambda(
                AllowList.class,
                "java/util/Comparator",
                "compare",
                "(Ljava/lang/Object;Ljava/lang/Object;)I",
                MethodHandleInfo.REF_invokeStatic,
                AllowListTest.class.getName().replace('.', '/'),
                "compare",
                "(Ljava/lang/String;Ljava/lang/String;)I",
                "(Ljava/lang/String;Ljava/lang/String;)I",
                new Object[0]);
        var bytes = new ByteArrayOutputStream();
        try (var out = new ObjectOutputStream(bytes) {
            {
                enableReplaceObject(true);
            }

            @Override
            protected Object replaceObject(Object object) {
                return object instanceof Comparator<?> ? description : object;
            }
        }) {
            var queue = new PriorityQueue<String>(Comparator.naturalOrder());
            queue.addAll(List.of("a", "b"));
            out.writeObject(queue);
        }
        String text = bytes.toString(StandardCharsets.ISO_8859_1);
        return text.replace(
                named("java.lang.invoke.SerializedLambda"),
                named(dev.sennit.codec.SerializedLambda.class.getName()))
                .getBytes(StandardCharsets.ISO_8859_1);
    }

    /** As a stream has it. */
    private static String named(String name) {
        return "\0" + (char) name.length() + name;
    }

    @Test
    void aWorkerMakesNoLambdaHere() throws Exception {
        byte[] message = withLambdaOfOurs();
        compared = 0;
        assertThatThrownBy(() -> TaskCodec.decodeValue(message,
                Reading.behind(AllowList.forWorkers(List.of()), getClass().getClassLoader())))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("is read from a parent alone");
        assertThatThrownBy(() -> new ObjectInputStream(new ByteArrayInputStream(message)).readObject())
                .hasMessageContaining("is read from a parent alone");
        assertThat(compared).isZero();
    }

    /** Defines classes that lie where it is told; all can be made and serialized. */
    public static final class Defining extends ClassLoader {
        public Defining() {
            super(AllowListTest.class.getClassLoader());
        }

        public Class<?> define(String name) {
            return define(name, null);
        }

        public Class<?> define(String name, @Nullable String location) {
            return define(name, Object.class, null, location);
        }

        Class<?> defineException(String name, Class<?> above, @Nullable String hook) {
            return define(name, above, hook, OTHER_JAR);
        }

        private Class<?> define(String name, Class<?> above, @Nullable String hook, @Nullable String location) {
            ClassDesc superclass = ClassDesc.of(above.getName());
            byte[] bytes = ClassFile.of().build(ClassDesc.of(name), type -> {
                type.withFlags(ClassFile.ACC_PUBLIC)
                        .withSuperclass(superclass)
                        .withInterfaceSymbols(ClassDesc.of("java.io.Serializable"))
                        .withField("held", ConstantDescs.CD_Object, ClassFile.ACC_PUBLIC)
                        .withMethodBody(ConstantDescs.INIT_NAME, ConstantDescs.MTD_void, ClassFile.ACC_PUBLIC,
                                code -> code.aload(0)
                                        .invokespecial(superclass, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void)
                                        .return_());
                if (hook != null) {
                    boolean isResolving = hook.equals("readResolve");
                    ClassDesc argument = Hooks.ALL.get(hook);
                    MethodTypeDesc shape = MethodTypeDesc.of(
                            isResolving ? ConstantDescs.CD_Object : ConstantDescs.CD_void,
                            argument == null ? new ClassDesc[0] : new ClassDesc[] {argument});
                    type.withMethodBody(hook, shape, ClassFile.ACC_PRIVATE, code -> {
                        if (isResolving) {
                            code.aload(0).areturn();
                        } else {
                            code.return_();
                        }
                    });
                }
            });
            try {
                var domain = location == null
                        ? null
                        : new ProtectionDomain(new CodeSource(URI.create(location).toURL(), (Certificate[]) null), null,
                                this, null);
                return defineClass(name, bytes, 0, bytes.length, domain);
            } catch (MalformedURLException e) {
                throw new IllegalArgumentException(e);
            }
        }
    }
}
