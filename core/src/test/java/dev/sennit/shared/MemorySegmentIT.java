package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskSerializationException;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.CompactWriter;
import dev.sennit.codec.EncodedTask;
import dev.sennit.codec.LambdaShapes;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.Reading;
import dev.sennit.codec.TaskCodec;
import dev.sennit.process.ProcessPool;
import java.io.Serializable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Memory segments, and what lies in shared memory, as arguments and results. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(120)
class MemorySegmentIT {
    private static ProcessPool pool;

    @BeforeAll
    static void open() {
        pool = ProcessPool.builder().workers(1).heap("256m").open();
    }

    @AfterAll
    static void close() {
        pool.close();
    }

    /** Has no compact form, so that all around it goes by Java serialization. */
    private static final class Plain implements Serializable {
        private static final long serialVersionUID = 1L;
    }

    private static MemorySegment sevens(MemorySegment segment) {
        return segment.fill((byte) 7);
    }

    private static List<MemorySegment> copied(Arena arena) {
        return List.of(
                sevens(arena.allocate(64)),
                arena.allocate(0),
                sevens(arena.allocate(100, 64)).asSlice(3, 11),
                sevens(MemorySegment.ofArray(new byte[13])),
                sevens(MemorySegment.ofArray(new short[3])),
                sevens(MemorySegment.ofArray(new char[3])),
                sevens(MemorySegment.ofArray(new int[5])),
                sevens(MemorySegment.ofArray(new float[5])),
                sevens(MemorySegment.ofArray(new long[5])),
                sevens(MemorySegment.ofArray(new double[5])),
                sevens(MemorySegment.ofArray(new int[5])).asSlice(4, 7),
                sevens(MemorySegment.ofArray(new long[5])).asReadOnly(),
                sevens(arena.allocate(9)).asReadOnly());
    }

    private static void assertIsACopy(MemorySegment copy, MemorySegment of) {
        assertThat(copy.byteSize()).isEqualTo(of.byteSize());
        assertThat(copy.mismatch(of)).isEqualTo(-1);
        assertThat(copy.isNative()).isEqualTo(of.isNative());
        assertThat(copy.isReadOnly()).isEqualTo(of.isReadOnly());
        if (!of.isReadOnly()) {
            assertThat(copy.heapBase().map(Object::getClass)).isEqualTo(of.heapBase().map(Object::getClass));
        }
        if (of.byteSize() > 0) {
            assertThat(copy.maxByteAlignment()).isGreaterThanOrEqualTo(Math.min(64, of.maxByteAlignment()));
        }
    }

    @Test
    void aSegmentTravelsThereAndBackAsACopy() throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            for (MemorySegment segment : copied(arena)) {
                assertIsACopy(pool.submit(() -> segment).get(60, SECONDS), segment);
                var plain = new Plain();
                assertIsACopy(
                        (MemorySegment) pool.submit(() -> List.of(segment, plain)).get(60, SECONDS).getFirst(),
                        segment);
                assertThat(pool.map(MemorySegment::byteSize, List.of(segment))).containsExactly(segment.byteSize());
            }
            MemorySegment mine = sevens(arena.allocate(8));
            assertThat(pool.submit(() -> mine.fill((byte) 1).get(JAVA_BYTE, 3)).get(60, SECONDS)).isEqualTo((byte) 1);
            assertThat(mine.get(JAVA_BYTE, 3)).isEqualTo((byte) 7);
            MemorySegment readOnly = mine.asReadOnly();
            assertThatThrownBy(() -> pool.submit(() -> readOnly.fill((byte) 1)).get(60, SECONDS))
                    .hasCauseInstanceOf(IllegalArgumentException.class);
            List<MemorySegment> twice = pool.submit(() -> List.of(mine, mine)).get(60, SECONDS);
            assertThat(twice.getFirst()).isSameAs(twice.getLast());
        }
    }

    @Test
    void aLargeOneTravelsToo() throws Exception {
        MemorySegment large = Arena.ofAuto().allocate(40L << 20);
        large.set(JAVA_LONG, large.byteSize() - 8, 42);
        MemorySegment back = pool.submit(() -> {
            large.set(JAVA_LONG, 0, large.get(JAVA_LONG, large.byteSize() - 8) + 1);
            return large;
        }).get(60, SECONDS);
        assertThat(back.get(JAVA_LONG, 0)).isEqualTo(43);
        assertThat(large.get(JAVA_LONG, 0)).isZero();
    }

    @Test
    void aPartOfSharedMemoryIsTheSameMemoryThere() throws Exception {
        try (SharedMemory memory = SharedMemory.create(4096);
                SharedDoubleArray array = SharedDoubleArray.create(100)) {
            MemorySegment part = memory.segment().asSlice(1024, 16);
            var plain = new Plain();
            assertThat(pool.submit(() -> {
                part.set(JAVA_INT, 4, 99);
                return part;
            }).get(60, SECONDS))
                    .isEqualTo(part); // the same address, and as long
            assertThat(memory.segment().get(JAVA_INT, 1028)).isEqualTo(99);
            pool.submit(() -> part.set(JAVA_INT, 8, plain.hashCode() | 1)).get(60, SECONDS);
            assertThat(part.get(JAVA_INT, 8)).isNotZero();

            MemorySegment readOnly = part.asReadOnly();
            assertThat(pool.submit(() -> readOnly.isReadOnly() ? readOnly.get(JAVA_INT, 4) : -1).get(60, SECONDS))
                    .isEqualTo(99);
            MemorySegment doubles = array.segment();
            pool.submit(() -> doubles.setAtIndex(JAVA_DOUBLE, 99, 1.5)).get(60, SECONDS);
            assertThat(array.get(99)).isEqualTo(1.5);
        }
    }

    /** The scope of its segments is all that is left of it. */
    @Test
    void aSegmentOfALostBlockIsCopied() throws Exception {
        MemorySegment orphan = SharedMemory.create(64).segment();
        org.awaitility.Awaitility.await().until(() -> {
            System.gc();
            return SharedMemory.partOf(orphan) == null;
        });
        assertThat(pool.submit(() -> orphan.fill((byte) 3).get(JAVA_BYTE, 5)).get(60, SECONDS)).isEqualTo((byte) 3);
        assertThat(orphan.get(JAVA_BYTE, 5)).isZero();
    }

    @Test
    void whatCannotBeReadIsRefusedWithTheReason() throws Exception {
        Arena closed = Arena.ofShared();
        MemorySegment dead = closed.allocate(10);
        closed.close();
        assertThatThrownBy(() -> pool.submit(() -> dead.byteSize()).get(60, SECONDS))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("a memory segment of 10 bytes is closed: its arena was");

        var others = new CompletableFuture<MemorySegment>();
        var done = new CompletableFuture<Void>();
        Thread owner = Thread.ofPlatform().start(() -> {
            try (Arena confined = Arena.ofConfined()) {
                others.complete(confined.allocate(10));
                done.join();
            }
        });
        MemorySegment foreign = others.get(60, SECONDS);
        assertThatThrownBy(() -> pool.submit(() -> foreign.byteSize()).get(60, SECONDS))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("belongs to another thread: its arena is confined to that");
        done.complete(null);
        owner.join();

        @SuppressWarnings("restricted") // nobody reads what is not there
        MemorySegment huge = MemorySegment.NULL.reinterpret(1L << 40);
        assertThatThrownBy(() -> pool.submit(() -> huge.byteSize()).get(60, SECONDS))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("too large to be copied");

        assertThatThrownBy(() -> pool.submit(() -> {
            try (Arena arena = Arena.ofConfined()) {
                return arena.allocate(10);
            }
        }).get(60, SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasRootCauseInstanceOf(Exception.class)
                .hasMessageContaining("a memory segment of 10 bytes is closed: its arena was");
    }

    // ---- what is shared has a compact form ----

    private static <T> T through(T value) throws Exception {
        EncodedTask encoded = Objects.requireNonNull(
                EncodedTask.compact((dev.sennit.Task<T>) () -> value, null), "a compact form of " + value);
        var shapes = new LambdaShapes.Known();
        encoded.shapes().forEach(shape -> shapes.learn(shape.number(), shape.description()));
        byte[] message = java.util.Arrays.copyOf(encoded.bytes(), encoded.length());
        @SuppressWarnings("unchecked") // the task returns what it captured
        T copy = (T) TaskCodec.decode(message, message.length, Reading.ofParent(), shapes).call();
        return copy;
    }

    @Test
    void everythingSharedHasACompactForm() throws Exception {
        SharedMemory memory = SharedMemory.create(1024);
        assertThat(through(memory)).isSameAs(memory);
        SharedLock lock = SharedLock.create();
        SharedReentrantLock reentrant = SharedReentrantLock.create();
        SharedEvent event = SharedEvent.create();
        SharedSemaphore semaphore = SharedSemaphore.create(3);
        SharedBoundedSemaphore bounded = SharedBoundedSemaphore.create(3);
        SharedBarrier barrier = SharedBarrier.create(2);
        for (Object one : List.of(lock, reentrant, event, semaphore, bounded, barrier)) {
            assertThat(through(one)).as("one object in a process").isSameAs(one);
        }
        assertThat(through(lock.newCondition())).hasToString(lock.newCondition().toString().replace("[1 of", "[0 of"));
        SharedQueue<String> queue = SharedQueue.create(5, 1024);
        through(queue).put("in");
        assertThat(queue.take()).isEqualTo("in");

        SharedLong counter = SharedLong.create(1);
        through(counter).incrementAndGet();
        assertThat(counter.get()).isEqualTo(2);
        SharedInt small = SharedInt.in(memory, 8);
        through(small).set(5);
        assertThat(memory.segment().get(JAVA_INT, 8)).isEqualTo(5);
        assertThat(through(SharedDouble.create(1.5)).get()).isEqualTo(1.5);
        assertThat(through(SharedBoolean.create(true)).get()).isTrue();
        SharedLongArray longs = SharedLongArray.create(3);
        through(longs).set(2, 7);
        assertThat(longs.get(2)).isEqualTo(7);
        assertThat(through(SharedIntArray.create(4)).length()).isEqualTo(4);
        assertThat(through(SharedDoubleArray.create(4)).length()).isEqualTo(4);
        assertThat(through(SharedByteArray.create(4)).length()).isEqualTo(4);
        SharedList list = SharedList.create(List.of("a", 1));
        through(list).set(1, 2);
        assertThat(list).containsExactly("a", 2);
    }

    @Test
    void whatIsClosedOrCannotBeIsRefused() throws Exception {
        SharedMemory memory = SharedMemory.create(64);
        SharedLong counter = SharedLong.in(memory, 0);
        var out = new MessageBuffer();
        new CompactWriter(out, false).write(counter);
        byte[] sent = out.copy();
        assertThat(((SharedLong) TaskCodec.decodeValue(sent,
                Reading.behind(new AllowList(List.of()), getClass().getClassLoader()))).get())
                .isZero();
        memory.close();
        assertThat(EncodedTask.compact((dev.sennit.Task<Object>) () -> counter, null)).isNull();
        assertThatThrownBy(() -> TaskCodec.decodeValue(sent,
                Reading.behind(new AllowList(List.of()), getClass().getClassLoader())))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("is gone");
        assertThatThrownBy(() -> pool.submit(() -> counter.get()).get(60, SECONDS))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("is closed");
    }

    /** The list that comes with a queue is believed where it comes from a parent alone. */
    @Test
    void theAllowListOfAQueueIsNotBelievedInAResult() throws Exception {
        SharedQueue<Object> ours = SharedQueue.create(5, 4096, "javax.crypto.spec.SecretKeySpec");
        ours.put(new SecretKeySpec(new byte[1], "AES"));
        assertThat(pool.submit(() -> ((SecretKeySpec) ours.take()).getAlgorithm()).get(60, SECONDS)).isEqualTo("AES");

        SharedQueue<Object> theirs = pool.submit(() -> {
            Held.queue = SharedQueue.create(5, 4096, "javax.crypto.spec.SecretKeySpec");
            Held.queue.put(new SecretKeySpec(new byte[1], "AES"));
            return Held.queue;
        }).get(60, SECONDS);
        assertThatThrownBy(theirs::take)
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("javax.crypto.spec.SecretKeySpec is not on the allow-list");
    }

    static final class Held {
        static SharedQueue<Object> queue;
    }
}
