package dev.sennit.process;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.internal.Linux;
import dev.sennit.internal.MemoryFile;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serial;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A block of memory that several processes use at once: what one writes the others see, and nothing is copied.
 *
 * <p>A task captures it, or takes it as an argument, and only its name travels; in the worker it is the same memory. A
 * process that was not given it opens it by {@link #name}.
 *
 * {@snippet :
 * import java.lang.foreign.ValueLayout;
 *
 * try (Pool pool = Pools.open("processes:2");
 *         SharedMemory memory = SharedMemory.create(1 << 20)) {
 *     pool.submit(() -> memory.segment().set(ValueLayout.JAVA_INT, 0, 42)).get();
 *     int answer = memory.segment().get(ValueLayout.JAVA_INT, 0); // 42
 * }
 * }
 *
 * <p><b>Memory effects.</b> As between threads: plain reads and writes race. What a task wrote is visible to whoever got its
 * future's value; for more, use the {@link java.lang.invoke.VarHandle}s of {@link java.lang.foreign.ValueLayout}, whose
 * volatile and atomic modes work between processes.
 *
 * <p><b>Life.</b> The process that created it is the one that others get it from: until it closes the block, loses it
 * to the garbage collector, or ends. Who has it by then keeps it. The memory is free again when nobody has it, however
 * they ended: it has no name in any file system, so that a crash leaves nothing behind. Pages that nobody touched take no
 * memory.
 *
 * <p>Needs Linux, and native access: {@code --enable-native-access=dev.sennit}, or {@code ALL-UNNAMED} where Sennit is on
 * the class path; workers are given it.
 */
public final class SharedMemory implements Serializable, AutoCloseable {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Before what the user sees: a number that tells whether it is the one that was meant. Keeps the rest aligned. */
    private static final long HEADER = 64;
    private static final long MAGIC = 0x5E4417_51A2EDL;

    /** Blocks that this process knows, by id: one that comes twice is mapped once. */
    private static final Map<Long, WeakReference<SharedMemory>> KNOWN = new ConcurrentHashMap<>();
    private static final Cleaner CLEANER = Cleaner.create();

    private final transient Key key;
    /** Empty where it was opened. */
    private final transient @Nullable Owned owned;
    private final transient MemorySegment segment;
    /** What this process uses it as, if that is something of this package. */
    private final transient AtomicReference<@Nullable Object> use = new AtomicReference<>();

    /** What others need to open it. */
    private record Key(long pid, String path, long id, long size) implements Serializable {
        @Serial
        private static final long serialVersionUID = 1L;

        @Serial
        private Object readResolve() throws InvalidObjectException {
            try {
                return SharedMemory.of(this);
            } catch (IOException e) {
                var invalid = new InvalidObjectException(e.getMessage());
                invalid.initCause(e);
                throw invalid;
            }
        }
    }

    /** What is freed when it is closed, or lost. */
    private record Owned(MemoryFile file, Arena arena, boolean explicit, long id) implements Runnable {
        @Override
        public void run() {
            KNOWN.remove(id);
            file.close();
        }
    }

    private SharedMemory(Key key, @Nullable Owned owned, MemorySegment whole) {
        this.key = key;
        this.owned = owned;
        this.segment = whole.asSlice(HEADER, key.size);
    }

    /**
     * Makes a block, filled with zeros.
     *
     * @param size bytes, 1 or more
     * @return the block; close it when no process needs it any more
     * @throws IllegalArgumentException if the size is less than 1
     * @throws UnsupportedOperationException where this is not Linux, or native access is not enabled
     * @throws UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedMemory create(long size) {
        return create(size, Arena.ofShared(), true);
    }

    /** For what is used by threads that cannot be kept away while it is closed: the memory goes with the last reference. */
    static SharedMemory createCollected(long size) {
        return create(size, Arena.ofAuto(), false);
    }

    private static SharedMemory create(long size, Arena arena, boolean explicit) {
        if (size < 1) {
            throw new IllegalArgumentException("size must be >= 1, was " + size);
        }
        requireLinux();
        MemoryFile file = null;
        try {
            file = MemoryFile.create("sennit-shared", HEADER + size);
            MemorySegment whole = file.map(arena);
            long id = ThreadLocalRandom.current().nextLong();
            whole.set(JAVA_LONG, 0, MAGIC);
            whole.set(JAVA_LONG, 8, id);
            var key = new Key(ProcessHandle.current().pid(), file.path().toString(), id, size);
            var owned = new Owned(file, arena, explicit, id);
            var memory = new SharedMemory(key, owned, whole);
            KNOWN.put(id, new WeakReference<>(memory));
            CLEANER.register(memory, owned);
            return memory;
        } catch (IOException e) {
            if (file != null) {
                file.close();
            }
            throw new UncheckedIOException("no shared memory of " + size + " bytes: " + e.getMessage(), e);
        }
    }

    static void requireLinux() {
        if (!Linux.isAvailable()) {
            Module module = SharedMemory.class.getModule();
            throw new UnsupportedOperationException("shared memory needs Linux on x86-64 or AArch64, and the option"
                    + " --enable-native-access=" + (module.isNamed() ? module.getName() : "ALL-UNNAMED"));
        }
    }

    /**
     * Opens a block that another process of the same user made.
     *
     * @param name what {@link #name} said there
     * @return the block; it stays for as long as it, or its segment, is in use here, whether closed or not
     * @throws IOException when that process has ended or closed it
     * @throws IllegalArgumentException if the name is none
     */
    public static SharedMemory open(String name) throws IOException {
        String[] parts = name.split(":", -1);
        try {
            if (parts.length == 4) {
                long pid = Long.parseUnsignedLong(parts[0]);
                int descriptor = Integer.parseUnsignedInt(parts[1]);
                long size = Long.parseUnsignedLong(parts[3]);
                return of(new Key(pid, "/proc/" + pid + "/fd/" + descriptor, Long.parseUnsignedLong(parts[2], 16), size));
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new IllegalArgumentException("\"" + name + "\" is no name of shared memory");
    }

    private static SharedMemory of(Key key) throws IOException {
        requireLinux();
        WeakReference<SharedMemory> known = KNOWN.get(key.id);
        SharedMemory here = known == null ? null : known.get();
        if (here != null && here.key.equals(key)) {
            return here;
        }
        MemorySegment whole;
        try {
            whole = MemoryFile.map(Path.of(key.path), HEADER + key.size, Arena.ofAuto());
        } catch (IOException e) {
            throw new IOException("shared memory of process " + key.pid + " is gone: that has closed it, or ended", e);
        }
        if (whole.get(JAVA_LONG, 0) != MAGIC || whole.get(JAVA_LONG, 8) != key.id) {
            throw new IOException("shared memory of process " + key.pid + " is gone: that has closed it");
        }
        var opened = new SharedMemory(key, null, whole);
        KNOWN.put(key.id, new WeakReference<>(opened));
        CLEANER.register(opened, () -> KNOWN.computeIfPresent(key.id, (id, held) -> held.get() == null ? null : held));
        return opened;
    }

    /**
     * The memory. Its offset 0 is aligned to 64 bytes.
     *
     * @return a segment of {@link #size} bytes
     */
    public MemorySegment segment() {
        return segment;
    }

    /**
     * How large it is.
     *
     * @return bytes
     */
    public long size() {
        return key.size;
    }

    /**
     * What another process of the same user opens it by. Works until the process that created it closes it or ends.
     *
     * @return a name without spaces
     */
    public String name() {
        String descriptor = key.path.substring(key.path.lastIndexOf('/') + 1);
        return key.pid + ":" + descriptor + ":" + Long.toHexString(key.id) + ":" + key.size;
    }

    /**
     * In the process that created it: frees the memory here, and lets nobody else open it; who uses the segment after that
     * gets an {@link IllegalStateException}. Elsewhere: nothing, as the memory goes when it is not in use any more. Others
     * keep what they have.
     */
    @Override
    public void close() {
        if (owned == null) {
            return;
        }
        owned.run();
        if (owned.explicit && segment.scope().isAlive()) {
            owned.arena.close();
        }
    }

    /** The lock, queue or the like that lies in this block: one object in each process, however often it is sent there. */
    <T> T as(Class<T> type, Function<SharedMemory, T> make) {
        Object known = use.get();
        if (known == null) {
            T made = make.apply(this);
            known = use.compareAndSet(null, made) ? made : Objects.requireNonNull(use.get());
        }
        return type.cast(known);
    }

    @Serial
    private Object writeReplace() {
        return key;
    }

    @Serial
    private void readObject(ObjectInputStream in) throws InvalidObjectException {
        throw new InvalidObjectException("comes as its key");
    }

    @Override
    public String toString() {
        return "SharedMemory[" + name() + "]";
    }
}
