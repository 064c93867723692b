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
 * to the garbage collector, or ends. Who has it by then keeps it, and a segment outlives a block that was lost. Pages that
 * nobody touched take no memory.
 *
 * <p><b>Mechanism.</b> {@link #mechanism} says which of two this process uses. On Linux with native access - {@code
 * --enable-native-access=dev.sennit}, or {@code ALL-UNNAMED} where Sennit is on the class path; workers are given it - a block
 * has no name in any file system: its memory is free again when nobody has it, however they ended, and a crash leaves nothing
 * behind. Elsewhere a block is a mapped file in a private folder of the temporary folder. It works the same, but for this:
 * threads of other processes notice a change of what they wait for later, by up to 10 milliseconds; the file of a process
 * that is killed stays until the next program uses Sennit; the memory of a block that is lost without being closed is free
 * only when this process ends; and a file system that is full, or a process that truncates the file, ends in an {@link
 * InternalError} at the access.
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
    private static final Unreachable LOST = new Unreachable("sennit-memory");

    static {
        InPlace.register(new SharedAddresses());
    }

    private final transient Key key;
    private final transient MemorySegment segment;
    /** Empty where it was opened. */
    private final transient Sharing.@Nullable Block block;
    /** Ends the segment; empty where it goes with the last reference. */
    private final transient @Nullable Arena arena;
    /** Makes it unknown here, and lets nobody else open it: once, when it is closed or lost. */
    private final transient Cleaner.Cleanable release;
    /** Set by any thread that closes it, never reset. */
    private transient volatile boolean closed;
    /** What this process uses it as, if that is something of this package. */
    private final transient AtomicReference<@Nullable Object> use = new AtomicReference<>();

    /**
     * The key that others need to open it.
     *
     * @param pid the process that made it
     * @param place where that has it: {@link Sharing.Block#place}
     * @param id tells it from others that were there
     * @param size bytes, those of the header not among them
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
            KNOWN.remove(key.id, known); // not the one that was opened since this was lost
            if (block != null) {
                block.close();
            }
        };
        try {
            this.release = LOST.register(this, whenLost);
        } catch (Throwable e) { // no thread to be had
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

    /** For what is used by threads that cannot be kept away while it is closed: the memory goes with the last reference. */
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
     * How this process makes shared memory, and how its threads wait for other processes there. It is chosen when first asked
     * for.
     *
     * @return the mechanism, the same for as long as the process lives
     */
    public static SharingMechanism mechanism() {
        return Sharing.here() instanceof NativeSharing ? SharingMechanism.NATIVE : SharingMechanism.PORTABLE;
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
                        URLDecoder.decode(parts[1], StandardCharsets.UTF_8),
                        Long.parseUnsignedLong(parts[2], 16),
                        Long.parseLong(parts[3]));
            } catch (IllegalArgumentException e) {
                // said below
            }
        }
        throw new IllegalArgumentException("\"" + name + "\" is no name of shared memory");
    }

    private static SharedMemory of(Key key) throws IOException {
        SharedMemory here = known(key);
        return here == null ? map(key) : here;
    }

    /** A message names it. Its sender may not have this process open whatever other processes have open. */
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

    /** One at a time: threads that get the same block at once have to get the same object. */
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
        return key.pid + ":" + URLEncoder.encode(key.place, StandardCharsets.UTF_8) + ":" + Long.toHexString(key.id) + ":" + key.size;
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
        if (block == null) {
            return;
        }
        closed = true;
        release.clean();
        if (arena != null) {
            closeOnce(arena);
            block.close(); // it may not have been possible while it was mapped
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
    Object writeReplace() throws InvalidObjectException {
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
