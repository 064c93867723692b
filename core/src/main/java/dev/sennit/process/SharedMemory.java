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
import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.WeakHashMap;
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
 * import static java.lang.foreign.ValueLayout.JAVA_INT;
 *
 * try (SharedMemory memory = SharedMemory.create(1 << 20);
 *         Pool pool = Pools.open("processes:1")) {
 *     pool.submit(() -> memory.segment().set(JAVA_INT, 0, 42)).get();
 *     System.out.println(memory.segment().get(JAVA_INT, 0)); // 42
 * }
 * }
 *
 * <p>Ready made in such blocks are {@link SharedLong}, {@link SharedLongArray}, {@link SharedList} and their kin.
 *
 * <p><b>Memory effects.</b> As between threads: plain reads and writes race. What a task wrote is visible to whoever got its
 * future's value; for more, use the {@link java.lang.invoke.VarHandle}s of {@link java.lang.foreign.ValueLayout}, whose
 * volatile and atomic modes work between processes.
 *
 * <p><b>Life.</b> The process that created it is the one that others get it from: until it closes the block, loses it
 * to the garbage collector, or ends. Who has it by then keeps it, and a segment outlives a block that was lost. The
 * memory is free again when nobody has it, however they ended: it has no name in any file system, so that a crash leaves
 * nothing behind. Pages that nobody touched take no memory.
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
    /** The same by the scope of their segments. */
    private static final Map<MemorySegment.Scope, Mapped> MAPPED = Collections.synchronizedMap(new WeakHashMap<>());
    private static final Cleaner CLEANER = Cleaner.create();

    private final transient Key key;
    private final transient MemorySegment segment;
    /** Empty where it was opened. */
    private final transient @Nullable MemoryFile file;
    /** Ends the segment; empty where it goes with the last reference. */
    private final transient @Nullable Arena arena;
    /** Makes it unknown here, and lets nobody else open it: once, when it is closed or lost. */
    private final transient Cleaner.Cleanable release;
    /** Set by any thread that closes it, never reset. */
    private transient volatile boolean closed;
    /** What this process uses it as, if that is something of this package. */
    private final transient AtomicReference<@Nullable Object> use = new AtomicReference<>();

    /** What others need to open it. */
    private record Key(long pid, int descriptor, long id, long size) implements Address {
        @Serial
        private static final long serialVersionUID = 1L;

        Key {
            if (pid < 1 || descriptor < 0 || size < 1 || size > Long.MAX_VALUE - HEADER) {
                throw new IllegalArgumentException("no such shared memory");
            }
        }

        Path path() {
            return Path.of("/proc/" + pid + "/fd/" + descriptor);
        }

        @Override
        public Object readResolve() throws InvalidObjectException {
            try {
                return SharedMemory.of(this);
            } catch (IOException e) {
                throw new InvalidObjectException(e.getMessage(), e);
            }
        }
    }

    private SharedMemory(Key key, MemorySegment whole, @Nullable MemoryFile file, @Nullable Arena arena) {
        this.key = key;
        this.segment = whole.asSlice(HEADER, key.size);
        this.file = file;
        this.arena = arena;
        var known = new WeakReference<>(this);
        this.release = CLEANER.register(this, () -> {
            KNOWN.remove(key.id, known); // not the one that was opened since this was lost
            if (file != null) {
                file.close();
            }
        });
        KNOWN.put(key.id, known);
        MAPPED.put(segment.scope(), new Mapped(key, segment.address()));
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
        return create(size, Arena.ofShared());
    }

    /** For what is used by threads that cannot be kept away while it is closed: the memory goes with the last reference. */
    static SharedMemory createCollected(long size) {
        return create(size, null);
    }

    private static SharedMemory create(long size, @Nullable Arena arena) {
        if (size < 1) {
            throw new IllegalArgumentException("size must be >= 1, was " + size);
        }
        requireLinux();
        MemoryFile file = null;
        try {
            file = MemoryFile.create("sennit-shared", HEADER + size);
            MemorySegment whole = arena == null ? file.map(Arena.ofAuto()) : mapUntilClosedOrLost(file, arena);
            long id = ThreadLocalRandom.current().nextLong();
            whole.set(JAVA_LONG, 0, MAGIC);
            whole.set(JAVA_LONG, 8, id);
            var key = new Key(ProcessHandle.current().pid(), file.descriptor(), id, size);
            return new SharedMemory(key, whole, file, arena);
        } catch (IOException e) {
            if (file != null) {
                file.close();
            }
            throw new UncheckedIOException("no shared memory of " + size + " bytes: " + e.getMessage(), e);
        }
    }

    /**
     * A shared arena that is lost instead of closed keeps its memory for ever. So the mapping has an arena of its own, and what
     * the user's arena does at its end tells two things: that it was closed; or, as it is held by all segments of that arena
     * and by nothing else, that nobody has one any more.
     */
    @SuppressWarnings("restricted") // the same bytes at the same address; create has seen that native access is enabled
    private static MemorySegment mapUntilClosedOrLost(MemoryFile file, Arena users) throws IOException {
        Arena mapping = Arena.ofShared();
        MemorySegment whole = file.map(mapping);
        var inUse = new Object();
        Cleaner.Cleanable unmap = CLEANER.register(inUse, mapping::close);
        return whole.reinterpret(users, ended -> {
            unmap.clean();
            Reference.reachabilityFence(inUse);
        });
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
     * @throws IOException when that process has ended or closed it, or is another user's
     * @throws IllegalArgumentException if the name is none
     */
    public static SharedMemory open(String name) throws IOException {
        return of(keyOf(name));
    }

    private static Key keyOf(String name) {
        String[] parts = name.split(":", -1);
        if (parts.length == 4) {
            try {
                return new Key(
                        Long.parseLong(parts[0]),
                        Integer.parseInt(parts[1]),
                        Long.parseUnsignedLong(parts[2], 16),
                        Long.parseLong(parts[3]));
            } catch (IllegalArgumentException e) {
                // said below
            }
        }
        throw new IllegalArgumentException("\"" + name + "\" is no name of shared memory");
    }

    private static SharedMemory of(Key key) throws IOException {
        requireLinux();
        SharedMemory here = known(key);
        return here == null ? map(key) : here;
    }

    private static @Nullable SharedMemory known(Key key) {
        WeakReference<SharedMemory> known = KNOWN.get(key.id);
        SharedMemory here = known == null ? null : known.get();
        return here != null && here.key.equals(key) ? here : null;
    }

    /** One at a time: threads that get the same block at once have to get the same object. */
    private static synchronized SharedMemory map(Key key) throws IOException {
        SharedMemory here = known(key);
        if (here != null) {
            return here;
        }
        MemorySegment whole;
        try {
            whole = MemoryFile.map(key.path(), HEADER + key.size, Arena.ofAuto());
        } catch (AccessDeniedException e) {
            throw new IOException("shared memory of process " + key.pid + " is not open to this user", e);
        } catch (IOException e) {
            throw new IOException("shared memory of process " + key.pid + " is gone: that has closed it, or ended", e);
        }
        if (whole.get(JAVA_LONG, 0) != MAGIC || whole.get(JAVA_LONG, 8) != key.id) {
            throw new IOException("shared memory of process " + key.pid + " is gone: that has closed it");
        }
        return new SharedMemory(key, whole, null, null);
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
        return nameOf(key);
    }

    private static String nameOf(Key key) {
        return key.pid + ":" + key.descriptor + ":" + Long.toHexString(key.id) + ":" + key.size;
    }

    /**
     * In the process that created it: frees the memory here, and lets nobody else open it; who uses the segment after that
     * gets an {@link IllegalStateException}. Elsewhere: nothing, as the memory goes when it is not in use any more. Others
     * keep what they have. Closing it again does nothing.
     *
     * @throws IllegalStateException if a native call or a channel is using the segment at this moment; nobody can open it any
     *     more, and closing it again frees it
     */
    @Override
    public void close() {
        if (file == null) {
            return;
        }
        closed = true;
        release.clean();
        if (arena != null) {
            closeOnce(arena);
        }
    }

    private synchronized void closeOnce(Arena open) {
        if (open.scope().isAlive()) {
            open.close();
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
    private Object writeReplace() throws InvalidObjectException {
        return address();
    }

    Record address() throws InvalidObjectException {
        if (closed) {
            throw new InvalidObjectException("shared memory " + name() + " is closed");
        }
        return key;
    }

    /**
     * Where a segment lies in a block; null when that is none, or one that others cannot get from here any more.
     */
    static @Nullable Part partOf(MemorySegment segment) {
        Mapped mapped = segment.isNative() ? MAPPED.get(segment.scope()) : null;
        if (mapped == null) {
            return null;
        }
        long offset = segment.address() - mapped.start;
        boolean isLost = mapped.key.pid == ProcessHandle.current().pid() && known(mapped.key) == null;
        return isLost || offset < 0 || segment.byteSize() > mapped.key.size - offset
                ? null
                : new Part(nameOf(mapped.key), offset, segment.byteSize(), segment.isReadOnly());
    }

    /** What is known of a block by the scope of its segments, which may outlive it. */
    private record Mapped(Key key, long start) {}

    /** A segment that lies in a block. */
    record Part(String memory, long offset, long bytes, boolean readOnly) implements Address {
        @Serial
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() throws InvalidObjectException {
            try {
                MemorySegment part = open(memory).segment.asSlice(offset, bytes);
                return readOnly ? part.asReadOnly() : part;
            } catch (IOException | RuntimeException e) {
                throw new InvalidObjectException(e.getMessage(), e);
            }
        }
    }

    @Serial
    private void readObject(ObjectInputStream in) throws InvalidObjectException {
        throw new InvalidObjectException("comes as its key");
    }

    @Override
    public String toString() {
        return "SharedMemory[" + name() + (closed ? ", closed]" : "]");
    }
}
