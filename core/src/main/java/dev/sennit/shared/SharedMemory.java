package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.codec.Address;
import dev.sennit.codec.InPlace;
import dev.sennit.codec.Reading;
import dev.sennit.internal.MemoryFile.NotAMemoryFileException;
import dev.sennit.internal.Unreachable;
import dev.sennit.internal.machine.NativeSharing;
import dev.sennit.internal.machine.Sharing;
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
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
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
 * A block of memory that several processes use at once: each sees what the others write, and nothing is copied.
 *
 * <p>A task captures the block, or takes it as an argument, and only its name travels; in the worker it is the same
 * memory. Other processes open it by {@link #name}.
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
 * <p>{@link SharedLong}, {@link SharedLongArray}, {@link SharedList} and similar classes lay such blocks out for you.
 *
 * <p><b>Memory effects.</b> As between threads: plain reads and writes race. What a task wrote is visible to a caller
 * that got its future's value; for more, use the {@link java.lang.invoke.VarHandle}s of
 * {@link java.lang.foreign.ValueLayout}, whose volatile and atomic modes work between processes.
 *
 * <p><b>Life.</b> Other processes get the block from the process that created it, until that process closes the block,
 * loses it to the garbage collector, or ends. A process that has got the block keeps it, and a segment outlives a block
 * that was lost. Pages that were never touched take no memory.
 *
 * <p><b>Mechanism.</b> {@link #mechanism} tells which of two mechanisms this process uses. On Linux with native access
 * - {@code --enable-native-access=dev.sennit}, or {@code ALL-UNNAMED} where Sennit is on the class path; workers are
 * given it - a block has no name in any file system: its memory is free again when no process has it, however the
 * processes ended, and a crash leaves nothing behind. Elsewhere a block is a mapped file in a private folder of the
 * temporary folder. It works the same, with these differences: threads of other processes notice a change that they
 * wait for up to 10 milliseconds later; the file of a process that is killed stays until the next program uses Sennit;
 * the memory of a block that is lost without being closed is free only when this process ends; and a full file system,
 * or a process that truncates the file, causes an {@link InternalError} at the access.
 */
public final class SharedMemory implements Serializable, AutoCloseable {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Before the user's bytes: a magic number and the id of the block. Keeps the user's bytes aligned. */
    private static final long HEADER = 64;
    private static final long MAGIC = 0x5E4417_51A2EDL;

    /** The blocks that this process has, by id: a block that arrives twice is mapped once. */
    private static final Map<Long, WeakReference<SharedMemory>> KNOWN = new ConcurrentHashMap<>();
    /** The same blocks by the scope of their segments. */
    private static final Map<MemorySegment.Scope, Mapped> MAPPED = Collections.synchronizedMap(new WeakHashMap<>());
    private static final Unreachable LOST = new Unreachable("sennit-memory");

    static {
        InPlace.register(new SharedAddresses());
    }

    private final transient Key key;
    private final transient MemorySegment segment;
    /** Null where the block was opened. */
    private final transient Sharing.@Nullable Block block;
    /** Closes the segment; null if the memory goes with the last reference. */
    private final transient @Nullable Arena arena;
    /**
     * Makes the block unknown in this process and unavailable to others. Runs once, when the block is closed or lost.
     */
    private final transient Cleaner.Cleanable release;
    /** Set by any thread that closes the block, never reset. */
    private transient volatile boolean closed;
    /** The lock, queue or other object that this process keeps in the block, if any. */
    private final transient AtomicReference<@Nullable Object> use = new AtomicReference<>();

    /**
     * The key that other processes need to open the block.
     *
     * @param pid the process that made it
     * @param place where that process has it: {@link Sharing.Block#place}
     * @param id tells it from other blocks that were at this place
     * @param size bytes, without the header
     */
    private record Key(long pid, String place, long id, long size) implements Address {
        @Serial
        private static final long serialVersionUID = 1L;

        Key {
            if (pid < 1 || size < 1 || size > Long.MAX_VALUE - HEADER || !Sharing.isPlace(place)) {
                throw new IllegalArgumentException("no such shared memory");
            }
        }

        @Override
        public Object readResolve() throws InvalidObjectException {
            try {
                return arrived(this);
            } catch (IOException e) {
                throw new InvalidObjectException(e.getMessage(), e);
            }
        }
    }

    private SharedMemory(Key key, MemorySegment whole, Sharing.@Nullable Block block, @Nullable Arena arena) {
        this.key = key;
        this.segment = whole.asSlice(HEADER, key.size);
        this.block = block;
        this.arena = arena;
        var known = new WeakReference<>(this);
        Runnable whenLost = () -> {
            KNOWN.remove(key.id, known); // not a later opening of the same block
            if (block != null) {
                block.close();
            }
        };
        try {
            this.release = LOST.register(this, whenLost);
        } catch (Throwable e) { // no thread could be started
            whenLost.run();
            throw e;
        }
        KNOWN.put(key.id, known);
        MAPPED.put(segment.scope(), new Mapped(key, segment.address()));
    }

    /**
     * Makes a block, filled with zeros.
     *
     * @param size bytes, 1 or more
     * @return the block; close it when no process needs it any more
     * @throws IllegalArgumentException if the size is less than 1
     * @throws UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedMemory create(long size) {
        return create(size, Arena.ofShared());
    }

    /**
     * Makes a block whose memory goes with the last reference: for objects that threads may still use while the block
     * is closed.
     */
    static SharedMemory createCollected(long size) {
        return create(size, null);
    }

    private static SharedMemory create(long size, @Nullable Arena arena) {
        if (size < 1) {
            throw new IllegalArgumentException("size must be >= 1, was " + size);
        }
        Sharing.Block block = null;
        boolean made = false;
        try {
            block = Sharing.here().create(HEADER + size);
            MemorySegment whole = arena == null ? block.map(Arena.ofAuto()) : block.mapUntilClosedOrLost(arena);
            long id = ThreadLocalRandom.current().nextLong();
            whole.set(JAVA_LONG, 0, MAGIC);
            whole.set(JAVA_LONG, 8, id);
            var key = new Key(ProcessHandle.current().pid(), block.place(), id, size);
            var memory = new SharedMemory(key, whole, block, arena);
            made = true;
            return memory;
        } catch (IOException e) {
            throw new UncheckedIOException("no shared memory of " + size + " bytes: " + e.getMessage(), e);
        } finally {
            if (!made && block != null) {
                block.close();
            }
        }
    }

    /**
     * Returns how this process makes shared memory, and how its threads wait for other processes there. The mechanism
     * is chosen at the first use.
     *
     * @return the mechanism, the same for as long as the process lives
     */
    public static SharingMechanism mechanism() {
        return Sharing.here() instanceof NativeSharing ? SharingMechanism.NATIVE : SharingMechanism.PORTABLE;
    }

    /**
     * Opens a block that another process of the same user made.
     *
     * @param name the result of {@link #name} in that process
     * @return the block; closed or not, it stays mapped while this process uses it or its segment
     * @throws IOException when that process has ended or closed the block, or belongs to another user
     * @throws IllegalArgumentException if this is not the name of a block
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
                        URLDecoder.decode(parts[1], StandardCharsets.UTF_8),
                        Long.parseUnsignedLong(parts[2], 16),
                        Long.parseLong(parts[3]));
            } catch (IllegalArgumentException e) {
                // thrown below
            }
        }
        throw new IllegalArgumentException("\"" + name + "\" is no name of shared memory");
    }

    private static SharedMemory of(Key key) throws IOException {
        SharedMemory here = known(key);
        return here == null ? map(key) : here;
    }

    /**
     * Returns the block that a message names. Its sender may not make this process open blocks of arbitrary processes.
     */
    private static SharedMemory arrived(Key key) throws IOException {
        SharedMemory here = known(key);
        if (here != null) {
            return here;
        }
        Reading.ensureMayOpenOf(key.pid);
        return of(key);
    }

    private static @Nullable SharedMemory known(Key key) {
        WeakReference<SharedMemory> known = KNOWN.get(key.id);
        SharedMemory here = known == null ? null : known.get();
        return here != null && here.key.equals(key) ? here : null;
    }

    /** Maps a block. Synchronized, so that threads that get the same block at once get the same object. */
    private static synchronized SharedMemory map(Key key) throws IOException {
        SharedMemory here = known(key);
        if (here != null) {
            return here;
        }
        MemorySegment whole;
        try {
            whole = Sharing.map(key.pid, key.place, HEADER + key.size, Arena.ofAuto());
        } catch (NotAMemoryFileException e) {
            throw new IOException("shared memory of process " + key.pid + " is refused: " + e.getMessage(), e);
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
     * Returns the memory. Its offset 0 is aligned to 64 bytes.
     *
     * @return a segment of {@link #size} bytes
     */
    public MemorySegment segment() {
        return segment;
    }

    /**
     * Returns the size of the block.
     *
     * @return bytes
     */
    public long size() {
        return key.size;
    }

    /**
     * Returns the name by which another process of the same user opens the block, until the process that created it
     * closes it or ends.
     *
     * @return a name without spaces
     */
    public String name() {
        return nameOf(key);
    }

    private static String nameOf(Key key) {
        return key.pid + ":" + URLEncoder.encode(key.place, StandardCharsets.UTF_8) + ":" + Long.toHexString(key.id)
                + ":" + key.size;
    }

    /**
     * In the process that created the block: frees its memory here, and prevents others from opening it; later accesses
     * to the segment throw an {@link IllegalStateException}. In other processes: does nothing, as the memory goes when
     * it is not in use any more. Processes that have the block keep it. Closing it again does nothing.
     *
     * @throws IllegalStateException if a native call or a channel is using the segment at this moment; then no process
     *     can open the block any more, and closing it again frees it
     */
    @Override
    public void close() {
        if (block == null) {
            return;
        }
        closed = true;
        release.clean();
        if (arena != null) {
            closeOnce(arena);
            block.close(); // may have been impossible while it was mapped
        }
    }

    private synchronized void closeOnce(Arena open) {
        if (open.scope().isAlive()) {
            open.close();
        }
    }

    /**
     * Returns the lock, queue or other object in this block: the same object in this process, however often it arrives.
     */
    <T> T as(Class<T> type, Function<SharedMemory, T> make) {
        Object known = use.get();
        if (known == null) {
            T made = make.apply(this);
            known = use.compareAndSet(null, made) ? made : Objects.requireNonNull(use.get());
        }
        return type.cast(known);
    }

    @Serial
    Object writeReplace() throws InvalidObjectException {
        if (closed) {
            throw new InvalidObjectException("shared memory " + name() + " is closed");
        }
        return key;
    }

    /**
     * Returns where a segment lies in a block; null if it lies in none, or in a block that others cannot get from here
     * any more.
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

    /** What this process remembers of a block by the scope of its segments, which may outlive the block. */
    private record Mapped(Key key, long start) {}

    /** A segment that lies in a block. */
    record Part(String memory, long offset, long bytes, boolean readOnly) implements Address {
        @Serial
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() throws InvalidObjectException {
            try {
                MemorySegment part = arrived(keyOf(memory)).segment.asSlice(offset, bytes);
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
