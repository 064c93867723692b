package dev.sennit.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sennit.RemoteTaskException;
import dev.sennit.Task;
import dev.sennit.TaskSerializationException;
import dev.sennit.internal.ItemResults;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.ObjectStreamConstants;
import java.io.Serializable;
import java.lang.management.ManagementFactory;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;

class TaskCodecTest {
    private final AllowList jdkOnly = new AllowList(List.of());
    private final AllowList ours = new AllowList(List.of("dev.sennit.codec.TaskCodecTest$*", "dev.sennit.**"));

    record Point(int x, int y) implements Serializable {}

    static final class Odd extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient Object kept = new Object();

        Odd(String message, Throwable cause) {
            super(message, cause);
        }

        @Override
        public String toString() {
            return "Odd: " + getMessage() + (kept == null ? "" : "");
        }
    }

    static final class CannotTravel extends Exception {
        private static final long serialVersionUID = 1L;

        @SuppressWarnings({"serial", "unused"})
        private final Object kept = new Object();

        CannotTravel(String message) {
            super(message);
        }
    }

    private static Object through(Object value, AllowList allowed) {
        return TaskCodec.decodeValue(bytes(TaskCodec.encodeValue(value)), Reading.behind(allowed, loader()));
    }

    private static MessageBuffer encodeTask(Callable<?> task, String name) {
        return TaskCodec.encodeTask(task, task.getClass(), name, new ArrayList<>(), new AllowList(List.of()));
    }

    private static byte[] bytes(MessageBuffer buffer) {
        return Arrays.copyOf(buffer.bytes(), buffer.length());
    }

    private static ClassLoader loader() {
        return TaskCodecTest.class.getClassLoader();
    }

    @Test
    void plainValuesComeHome() {
        Map<String, List<Object>> map = new HashMap<>();
        map.put("a", List.of(1, 2L, "x", new BigDecimal("1.5"), Instant.EPOCH));
        for (Object value : new Object[] {1, "text", map, new int[] {1, 2}, new String[][] {{"a"}}, Set.of(1),
            new Object[0]}) {
            assertThat(through(value, jdkOnly)).isEqualTo(value);
        }
        assertThat(through(null, jdkOnly)).isNull();
        assertThat(((AtomicInteger) through(new AtomicInteger(7), jdkOnly)).get()).isEqualTo(7);
    }

    @Test
    void largeValuesAreNotMistakenForBombs() {
        assertThat((byte[]) through(new byte[8 << 20], jdkOnly)).hasSize(8 << 20);
        Map<Integer, Integer> sparse = new HashMap<>(16, 0.1f);
        for (int i = 0; i < 50_000; i++) {
            sparse.put(i, i);
        }
        assertThat(through(sparse, jdkOnly)).isEqualTo(sparse);
        List<Object> nulls = new ArrayList<>(java.util.Collections.nCopies(100_000, null));
        assertThat(through(nulls, jdkOnly)).isEqualTo(nulls);
    }

    @Test
    void aTaskTravels() throws Exception {
        int size = 40;
        Task<Integer> task = () -> size + 2;
        byte[] message = bytes(encodeTask(task, "task"));
        Callable<?> copy = TaskCodec.decodeTask(message, message.length, Reading.ofParent());
        assertThat(copy.call()).isEqualTo(42);
    }

    @Test
    void whatATaskCapturedIsNamedWhenItCannotTravel() {
        Object lock = new Object();
        Task<Integer> task = () -> lock.hashCode();
        assertThatThrownBy(() -> encodeTask(task, "report"))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("task report")
                .hasMessageMatching(".*the lambda in \\S+TaskCodecTest \\(TaskCodecTest.java:\\d+\\) captures lock, a"
                        + " java.lang.Object, which is not Serializable; capture a value instead, .*")
                .hasCauseInstanceOf(java.io.NotSerializableException.class);
        List<Object> holder = new ArrayList<>(List.of(lock));
        Task<Integer> deeper = () -> holder.size();
        assertThatThrownBy(() -> encodeTask(deeper, "report"))
                .hasMessageContaining("captures holder, a java.util.ArrayList that holds a java.lang.Object");
        Task<Integer> self = () -> hashCode();
        assertThatThrownBy(() -> encodeTask(self, "report"))
                .hasMessageContaining("captures this, a " + TaskCodecTest.class.getName());
        long wide = 5;
        double wider = 0.5;
        int[] narrow = {1};
        Task<Integer> behind = () -> lock.hashCode() + (int) (wide + wider) + narrow[0];
        assertThatThrownBy(() -> encodeTask(behind, "report")).hasMessageContaining("captures lock, a");
        Task<Integer> later = () -> (int) (wide + wider) + narrow[0] + lock.hashCode() + hashCode(this.jdkOnly);
        assertThatThrownBy(() -> encodeTask(later, "report")).hasMessageContaining("captures this, a");
        Task<Integer> third = () -> (int) (wide + wider) + narrow[0] + lock.hashCode();
        assertThatThrownBy(() -> encodeTask(third, "report")).hasMessageContaining("captures lock, a");
        Task<String> reference = lock::toString;
        assertThatThrownBy(() -> encodeTask(reference, "report"))
                .hasMessageContaining(
                        "the method reference to toString in dev.sennit.codec.TaskCodecTest captures the object that "
                                + "it calls, a java.lang.Object, which is not Serializable; capture a value instead");
        Supplier<Integer> supplier = () -> 1;
        Task<Integer> calling = () -> supplier.get();
        assertThatThrownBy(() -> encodeTask(calling, "report"))
                .hasMessageContaining(
                        "captures supplier, a lambda made in dev.sennit.codec.TaskCodecTest, which is not Serializable;"
                                + " declare it as a type that is")
                .message().doesNotContain("$$Lambda");
        Holder rocks = new Holder(List.of(new Holder(lock)));
        Task<Object> reaching = () -> rocks.kept;
        assertThatThrownBy(() -> encodeTask(reaching, "report"))
                .hasMessageContaining("captures rocks, a " + Holder.class.getName()
                        + " that holds a java.lang.Object in field kept of "
                        + Holder.class.getName() + ", which is not Serializable");
        Callable<Integer> plain = () -> 1;
        assertThatThrownBy(() -> encodeTask(plain, "report")).hasMessageContaining("is not Serializable; give");
    }

    /** Whatever it holds. */
    static final class Holder implements Serializable {
        private static final long serialVersionUID = 1L;

        @SuppressWarnings("serial")
        final Object kept;

        Holder(Object kept) {
            this.kept = kept;
        }
    }

    /** As the library wraps the results of several items. */
    record Results(List<?> values) implements ItemResults, Serializable {}

    /** As the library wraps several items of a map. */
    record Items(List<?> items) implements Task<Integer> {
        @Override
        public Integer call() {
            return items.size();
        }
    }

    @Test
    void whatTheLibraryPutsAroundATaskIsNotNamed() {
        var task = new Items(List.of(1, new Object()));
        assertThatThrownBy(() -> encodeTask(task, "report"))
                .hasMessageEndingWith(
                        "it holds a java.lang.Object, which is not Serializable; give it what it needs as values");
        var deeper = new Items(List.of(1, new Holder(new Object())));
        assertThatThrownBy(() -> encodeTask(deeper, "report"))
                .hasMessageContaining(
                        "it holds a java.lang.Object in field kept of " + Holder.class.getName() + ", which");
    }

    @Test
    void aResultThatCannotTravelIsNamedAsTheProgramDoes() {
        Supplier<Integer> supplier = () -> 1;
        assertThatThrownBy(() -> TaskCodec.encodeValue(supplier))
                .hasMessage(
                        "result cannot travel home: it is a lambda made in dev.sennit.codec.TaskCodecTest, which is "
                                + "not Serializable; declare it as a type that is, such as TaskFunction");
        assertThatThrownBy(() -> TaskCodec.encodeValue(new Results(List.of(1, new Holder(new Object())))))
                .hasMessage("result cannot travel home: its class " + Holder.class.getName()
                        + " holds a java.lang.Object in field kept of "
                        + Holder.class.getName() + ", which is not Serializable; send what is in it as values");
        assertThatThrownBy(() -> TaskCodec.encodeValue(new TaskCodecTest()))
                .hasMessage(
                        "result cannot travel home: its class dev.sennit.codec.TaskCodecTest is not Serializable; let "
                                + "it implement Serializable, or send what is in it as values");
    }

    private static List<Object> nested(int levels) {
        List<Object> list = new ArrayList<>();
        for (int i = 0; i < levels; i++) {
            list = new ArrayList<>(List.of(list));
        }
        return list;
    }

    @Test
    void whatIsNestedTooDeeplyIsSaidToBeSoBothWays() throws Exception {
        List<Object> deep = nested(200_000);
        assertThatThrownBy(() -> TaskCodec.encodeValue(deep))
                .hasMessageMatching(
                        "result cannot travel home: its class java.util.ArrayList: nested too deeply for Java "
                                + "serialization; send a flat list");
        assertThatThrownBy(() -> TaskCodec.encodeValue(new Results(List.of(1, deep))))
                .hasMessageContaining("its class java.util.ArrayList: nested too deeply");
        byte[] message = inRoom(512 << 20, () -> bytes(TaskCodec.encodeValue(nested(600))));
        assertThat(inRoom(512 << 20,
                () -> catchThrowable(() -> TaskCodec.decodeValue(message, Reading.behind(jdkOnly, loader())))))
                .hasMessage("result refused: nested too deeply: more than 500 levels; send a flat list");

        List<Object> less = nested(2000);
        Task<Integer> task = () -> less.size();
        byte[] sent = inRoom(512 << 20, () -> bytes(encodeTask(task, "deep")));
        Throwable refused = inRoom(256 << 10,
                () -> catchThrowable(() -> TaskCodec.decodeTask(sent, sent.length, Reading.ofParent())));
        assertThat(refused)
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageMatching(
                        "task cannot be read by the worker: it is nested too deeply for Java serialization; "
                                + "send a flat list");

        Throwable described =
                TaskCodec.decodeFailure(bytes(TaskCodec.encodeFailure(new Deep(deep))), loader(), jdkOnly);
        assertThat(described).isInstanceOf(RemoteTaskException.class).hasMessageContaining("too far down");
        assertThat(described.getSuppressed()[0]).hasMessageMatching(
                "exception cannot travel home: its class \\S+Deep: nested too deeply for Java serialization; "
                        + "send a flat list");
    }

    static final class Deep extends Exception {
        private static final long serialVersionUID = 1L;

        @SuppressWarnings({"serial", "unused"})
        private final Object kept;

        Deep(Object kept) {
            super("too far down");
            this.kept = kept;
        }
    }

    /** In a thread with a stack of so many bytes. */
    private static <T> T inRoom(long stack, Callable<T> body) throws Exception {
        var future = new FutureTask<>(body);
        var thread = new Thread(null, future, "room", stack);
        thread.start();
        return future.get();
    }

    private static int hashCode(Object value) {
        return value.hashCode();
    }

    @Test
    void objectsLinkedTooDeeplyAreRefusedNotFatal() {
        List<Object> list = new ArrayList<>();
        for (int i = 0; i < 200_000; i++) {
            list = new ArrayList<>(List.of(list));
        }
        List<Object> deep = list;
        Task<Integer> task = () -> deep.size();
        assertThatThrownBy(() -> encodeTask(task, "deep")).hasMessageMatching(
                ".*\\(TaskCodecTest.java:\\d+\\) captures deep, a java.util.ArrayList, nested too deeply for Java "
                        + "serialization; send a flat list");
    }

    @Test
    void aClassThatNobodyAllowedIsRefusedWithTheRemedy() {
        byte[] message = bytes(TaskCodec.encodeValue(org.opentest4j.ValueWrapper.create("x")));
        assertThatThrownBy(() -> TaskCodec.decodeValue(message, Reading.behind(jdkOnly, loader())))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("org.opentest4j.ValueWrapper is not on the allow-list")
                .hasMessageContaining("allow(org.opentest4j.*)");
        var named = new AllowList(List.of("org.opentest4j.*"));
        assertThat(TaskCodec.decodeValue(message, Reading.behind(named, loader())))
                .isInstanceOf(org.opentest4j.ValueWrapper.class);
        byte[] other = bytes(TaskCodec.encodeValue(java.net.URI.create("x:y")));
        assertThat(TaskCodec.decodeValue(other, Reading.behind(jdkOnly, loader())))
                .isEqualTo(java.net.URI.create("x:y"));
        byte[] lambda = bytes(TaskCodec.encodeValue((Task<Integer>) () -> 1));
        assertThatThrownBy(() -> TaskCodec.decodeValue(lambda, Reading.behind(jdkOnly, loader())))
                .hasMessageContaining("java.lang.invoke.SerializedLambda is not on the allow-list")
                .hasMessageContaining("allow(");
    }

    @Test
    void whatLiesBesideATaskIsAllowed() {
        var learned = new AllowList(List.of());
        learned.allowBeside(TaskCodecTest.class);
        assertThat(through(new Point(1, 2), learned)).isEqualTo(new Point(1, 2));
    }

    /** Josh Bloch's example (Effective Java, item 85): each level doubles the work of reading it. */
    @Test
    void setsInSetsAreRefusedBeforeTheyCostAnything() {
        Set<Object> root = new HashSet<>();
        Set<Object> left = root;
        Set<Object> right = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            Set<Object> nextLeft = new HashSet<>();
            Set<Object> nextRight = new HashSet<>();
            nextLeft.add("different");
            left.add(nextLeft);
            left.add(nextRight);
            right.add(nextLeft);
            right.add(nextRight);
            left = nextLeft;
            right = nextRight;
        }
        byte[] bomb = bytes(TaskCodec.encodeValue(root));
        assertThat(bomb.length).isLessThan(10_000);
        assertThatThrownBy(() -> TaskCodec.decodeValue(bomb, Reading.behind(jdkOnly, loader()))).hasMessageContaining(
                "nested too deeply: more than 32 levels with a map or set among them; send a flat list");
    }

    /** Arrays in one another, each as long as one alone may be: together they would take gigabytes. */
    @Test
    void arraysInArraysTogetherAreBoundedToo() throws Exception {
        Object nested = "";
        for (int i = 0; i < 400; i++) {
            nested = new Object[] {nested};
        }
        byte[] padding = new byte[250_000];
        var stream = new ByteArrayOutputStream();
        try (var out = new java.io.ObjectOutputStream(stream)) {
            out.writeObject(new Object[] {nested, padding});
        }
        ByteBuffer message = ByteBuffer.wrap(stream.toByteArray());
        int length = 900_000;
        int patched = 0;
        for (int at = 0; at < 10_000; at++) { // array, reference to its class, length 1
            if (message.get(at) == ObjectStreamConstants.TC_ARRAY
                    && message.get(at + 1) == ObjectStreamConstants.TC_REFERENCE
                    && message.getInt(at + 6) == 1) {
                message.putInt(at + 6, length);
                patched++;
            }
        }
        assertThat(patched).isEqualTo(400);
        long before = allocated();
        assertThatThrownBy(() -> TaskCodec.decodeValue(message.array(), Reading.behind(jdkOnly, loader())))
                .hasMessageContaining("asks for an array of 900000, and for 1800002 elements in all");
        assertThat(allocated() - before).as("bytes: one array, not 400").isLessThan(3L * length * Long.BYTES);
    }

    /**
     * What this thread has allocated; asked for by name, as the module that knows it is not one that the library reads.
     */
    private static long allocated() throws JMException {
        return (Long) ManagementFactory.getPlatformMBeanServer().getAttribute(
                new ObjectName(ManagementFactory.THREAD_MXBEAN_NAME), "CurrentThreadAllocatedBytes");
    }

    /** A short message that announces an array of two thousand million elements. */
    @Test
    void aShortMessageCannotAskForGigabytes() throws IOException {
        var bytes = new ByteArrayOutputStream();
        var out = new DataOutputStream(bytes);
        out.writeShort(ObjectStreamConstants.STREAM_MAGIC);
        out.writeShort(ObjectStreamConstants.STREAM_VERSION);
        out.writeByte(ObjectStreamConstants.TC_ARRAY);
        out.writeByte(ObjectStreamConstants.TC_CLASSDESC);
        out.writeUTF("[J");
        out.writeLong(0x782004b512b17593L);
        out.writeByte(ObjectStreamConstants.SC_SERIALIZABLE);
        out.writeShort(0);
        out.writeByte(ObjectStreamConstants.TC_ENDBLOCKDATA);
        out.writeByte(ObjectStreamConstants.TC_NULL);
        out.writeInt(Integer.MAX_VALUE - 8);
        assertThatThrownBy(() -> TaskCodec.decodeValue(bytes.toByteArray(), Reading.behind(jdkOnly, loader())))
                .hasMessageContaining("asks for an array of");
    }

    @Test
    void anExceptionComesHomeAsItself() throws IOException {
        var failure = new IllegalStateException("broken", new IOException("disk"));
        Throwable copy = TaskCodec.decodeFailure(bytes(TaskCodec.encodeFailure(failure)), loader(), jdkOnly);
        assertThat(copy).isInstanceOf(IllegalStateException.class).hasMessage("broken")
                .hasCauseInstanceOf(IOException.class);
        assertThat(copy.getStackTrace()).isEqualTo(failure.getStackTrace());
    }

    @Test
    void anExceptionThatMayNotComeHomeIsDescribed() throws IOException {
        Throwable refused = TaskCodec.decodeFailure(
                bytes(TaskCodec.encodeFailure(new CannotTravel("stuck"))), loader(), ours);
        assertThat(refused).isInstanceOf(RemoteTaskException.class).hasMessageContaining("stuck");
        assertThat(((RemoteTaskException) refused).originalClassName()).isEqualTo(CannotTravel.class.getName());
        assertThat(refused.getSuppressed()[0])
                .hasMessage("exception cannot travel home: its class " + CannotTravel.class.getName()
                        + " holds a java.lang.Object in field kept of " + CannotTravel.class.getName()
                        + ", which is not Serializable; send what is in it as"
                        + " values");

        var failure = new Odd("strange", new IOException("disk"));
        var strict = new AllowList(List.of());
        Throwable known = TaskCodec.decodeFailure(bytes(TaskCodec.encodeFailure(failure)), loader(), strict);
        assertThat(known.getMessage()).contains("strange");
        assertThat(known.getStackTrace()).isEqualTo(failure.getStackTrace());
        assertThat(known.getCause().getMessage()).contains("disk");
    }

    @Test
    void rubbishIsRefusedWithAMessage() {
        assertThatThrownBy(() -> TaskCodec.decodeValue(new byte[] {1, 2, 3}, Reading.behind(jdkOnly, loader())))
                .isInstanceOf(TaskSerializationException.class);
        assertThat(TaskCodec.decodeFailure(new byte[] {1, 2, 3}, loader(), jdkOnly))
                .isInstanceOf(TaskSerializationException.class);
    }
}
